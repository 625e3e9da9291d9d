"""The units of deploy/systemd, held against docker-compose.yml and looked at by systemd itself where it is."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.portal import ROOT
from tests.security.test_compose import ENV_FILE, KNOWN
from tests.zenvoices.test_deployment import check_command, dockerfile, is_setting

UNITS = ROOT / "deploy" / "systemd"
PREFIX = "/opt/zenvoices/.venv/bin/"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
OURS = sorted(name for name, service in COMPOSE.items() if service["image"] == "zenvoices:local")
SERVING = [name for name in OURS if name != "migrate"]
MOST_EXPOSED = 2.0  # of 10
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")


def unit(name: str) -> dict[str, list[str]]:
    """What it says, and after it what the drop-in of all says."""
    said = defaultdict(list)
    for file in (UNITS / f"zenvoices-{name}.service", UNITS / "zenvoices-.service.d" / "shut.conf"):
        for line in file.read_text().splitlines():
            key, equals, value = line.partition("=")
            if equals and not line.startswith("#"):
                said[key].append(value)
    return said


def told(name: str) -> dict[str, str]:
    words = shlex.split(" ".join(unit(name)["Environment"]))
    assert len({word.partition("=")[0] for word in words}) == len(words)  # of two the drop-in's would win
    return dict(word.split("=", 1) for word in words)


def test_there_is_a_unit_for_each_service_of_ours() -> None:
    assert sorted(file.stem.removeprefix("zenvoices-") for file in UNITS.glob("*.service")) == OURS
    assert all(unit(name)["WantedBy"] == ["zenvoices.target"] for name in SERVING)


@pytest.mark.parametrize("name", SERVING)
def test_unit_runs_what_compose_runs(name: str) -> None:
    [line] = unit(name)["ExecStart"]
    words = shlex.split(line.replace("%%", "%"))
    assert words[0].startswith(PREFIX)
    words[0] = words[0].removeprefix(PREFIX)
    default = next(shlex.split(rest.strip("[]").replace(",", " ")) for key, rest in dockerfile() if key == "CMD")
    # Its proxy is on this machine; in a container it is not.
    assert words == [word.replace("0.0.0.0:", "127.0.0.1:") for word in COMPOSE[name].get("command", default)]
    check_command(words)


def test_migrate_runs_before_everything_else() -> None:
    migrate, _static = unit("migrate")["ExecStart"]
    assert shlex.split(migrate.removeprefix(PREFIX)) == COMPOSE["migrate"]["command"]
    for name in SERVING:
        assert unit(name)["Requires"] == unit(name)["After"] == ["zenvoices-migrate.service"]


def test_what_waited_for_a_migration_that_failed_starts_when_it_succeeds() -> None:
    """systemd starts nothing by itself whose requirement failed once, as at a boot before the database answers."""
    assert unit("migrate")["Restart"] == ["on-failure"]
    assert unit("migrate")["ExecStartPost"] == ["+-systemctl --no-block --job-mode=fail start zenvoices.target"]


def test_operator_command_runs_as_the_units_do(tmp_path: Path) -> None:
    asked = tmp_path / "systemd-run"
    asked.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    asked.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "ALSO": "/run/a password.env"}
    command = [UNITS / "manage", "create_administration", "--name", "Bakkerij De Vries"]
    words = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.splitlines()
    [user], [folder], [_migrate, settings] = (
        unit("migrate")[key] for key in ("User", "WorkingDirectory", "EnvironmentFile")
    )
    assert {f"--uid={user}", f"--working-directory={folder}", f"--property=EnvironmentFile={settings}"} < set(words)
    assert "--property=EnvironmentFile=/run/a password.env" in words
    given = dict(word.removeprefix("--setenv=").split("=", 1) for word in words if word.startswith("--setenv="))
    assert given == {name: told("migrate")[name] for name in ("DATA_DIR", "TMPDIR", "LOG_FORMAT")}
    program = words.index(f"{PREFIX}python")
    assert words[program + 1 :] == ["manage.py", "create_administration", "--name", "Bakkerij De Vries"]


@pytest.mark.parametrize("name", OURS)
def test_unit_knows_the_secrets_that_it_knows_in_compose(name: str) -> None:
    """The passwords stand in addresses here."""
    withheld = set(" ".join(unit(name)["UnsetEnvironment"]).split())
    known = KNOWN[name] | ({"DATABASE_URL"} if "POSTGRES_PASSWORD" in KNOWN[name] else set())
    passwords = {"POSTGRES_PASSWORD", "POSTGRES_OWNER_PASSWORD", "REDIS_PASSWORD"}
    assert withheld - {"OUTBOUND_CA_FILE"} == ({*ENV_FILE, "DATABASE_URL"} - known) - passwords
    assert told(name).get("WITHHELD") == COMPOSE[name]["environment"].get("WITHHELD")
    assert ("-/etc/zenvoices/migrate.env" in unit(name)["EnvironmentFile"]) == (name == "migrate")


def test_beat_which_sees_no_data_is_given_no_file_in_it() -> None:
    assert "OUTBOUND_CA_FILE" in " ".join(unit("beat")["UnsetEnvironment"]).split()
    assert COMPOSE["beat"]["environment"]["OUTBOUND_CA_FILE"] == ""


@pytest.mark.parametrize("name", OURS)
def test_variable_of_a_unit_is_a_setting(name: str) -> None:
    beside = {"PYTHONUNBUFFERED", "DJANGO_SETTINGS_MODULE"}
    assert {one for one in told(name) if not is_setting(one)} == beside


@pytest.mark.parametrize("name", OURS)
def test_unit_has_the_bounds_of_compose(name: str) -> None:
    assert unit(name)["MemoryMax"] == [COMPOSE[name]["mem_limit"].upper()]
    shares = COMPOSE[name].get("cpu_shares", 1024)  # 100 and 1024 are what each has that says nothing
    assert unit(name).get("CPUWeight", ["100"]) == [str(shares * 100 // 1024)]
    assert unit(name)["TasksMax"] == [str(COMPOSE[name]["pids_limit"])]
    [shut] = {*unit(name)["ProtectSystem"], *unit(name)["NoNewPrivileges"]} - {"strict"}
    assert shut == "yes"
    assert told(name)["DATA_DIR"] == ("/tmp/beat" if name == "beat" else "/var/lib/zenvoices")
    assert unit(name)["StateDirectory"] == ([] if name == "beat" else ["zenvoices"])


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units as they would be where this interpreter's programs are the portal's."""
    folder = tmp_path / "system"
    shutil.copytree(UNITS, folder)
    for file in folder.glob("*.service"):
        file.write_text(file.read_text().replace(PREFIX, f"{Path(sys.executable).parent}/"))
    return folder


@needs_systemd
def test_systemd_takes_every_unit(installed: Path) -> None:
    units = [str(file) for file in (installed / "zenvoices.target", *installed.glob("*.service"))]
    ran = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
    assert (ran.returncode, [line for line in ran.stderr.splitlines() if "zenvoices" in line]) == (0, [])


@needs_systemd
@pytest.mark.parametrize("name", OURS)
def test_unit_is_hardly_exposed(installed: Path, name: str) -> None:
    words = ["systemd-analyze", "security", "--offline=true", str(installed / f"zenvoices-{name}.service")]
    said = subprocess.run(words, capture_output=True, text=True).stdout
    [exposed] = re.findall(r"Overall exposure level for .*: ([\d.]+)", said)
    assert float(exposed) < MOST_EXPOSED
