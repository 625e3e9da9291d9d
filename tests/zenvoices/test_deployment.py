"""Dockerfile, docker-compose.yml and .env.example fit the code; no container engine is needed to see that."""

from __future__ import annotations

import importlib
import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name for name, service in SERVICES.items() if service["image"] == "zenvoices:local"}

#: The part of the Compose specification that we use: key of a service -> what its value is.
SERVICE_SHAPE: dict[str, type | tuple[type, ...]] = {
    "build": str,
    "image": str,
    "pull_policy": str,
    "command": list,
    "user": str,
    "read_only": bool,
    "cap_drop": list,
    "security_opt": list,
    "tmpfs": list,
    "pids_limit": int,
    "mem_limit": str,
    "cpu_shares": int,
    "logging": dict,
    "restart": str,
    "env_file": str,
    "environment": dict,
    "volumes": list,
    "ports": list,
    "depends_on": dict,
    "healthcheck": dict,
    "stop_grace_period": str,
}
HEALTH_SHAPE = {"test": list, "interval": str, "timeout": str, "retries": int, "start_period": str}
CONDITIONS = {"service_healthy", "service_completed_successfully", "service_started"}
#: What compose itself, or the database's image, reads.
COMPOSE_VARIABLES = {"POSTGRES_PASSWORD", "POSTGRES_OWNER_PASSWORD", "REDIS_PASSWORD", "BIND", "PORT"}


def settings_variables() -> set[str]:
    source = (ROOT / "zenvoices" / "settings.py").read_text()
    return set(re.findall(r"""(?:env\.\w+|_made_by_make_run)\(\s*"([A-Z][A-Z0-9_]+)\"""", source))


def is_setting(name: str) -> bool:
    """TMPDIR is Python's, and boto3 reads its own."""
    known = settings_variables() | {"TMPDIR", "AWS_SECRET_ACCESS_KEY"}
    return bool({name, name.removesuffix("_FILE")} & known)


def dockerfile() -> list[list[str]]:
    """Its instructions, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]


def test_compose_has_the_services_of_a_whole_portal():
    assert set(SERVICES) == {
        "web", "worker-fetch", "worker-checks", "worker-documents", "beat", "migrate", "db", "broker", "cache"
    }  # fmt: skip
    assert set(COMPOSE) - {"name", "services", "volumes"} == {
        "x-shut", "x-portal", "x-settings", "x-worker-settings", "x-no-providers", "x-after-migrate"
    }  # fmt: skip


@pytest.mark.parametrize("name", SERVICES)
def test_service_has_the_shape_of_the_compose_specification(name: str):
    service = SERVICES[name]
    for key, value in service.items():
        assert isinstance(value, SERVICE_SHAPE[key]), key
    for key, value in service.get("healthcheck", {}).items():
        assert isinstance(value, HEALTH_SHAPE[key]), key
    assert service.get("healthcheck", {"test": ["CMD"]})["test"][0] in ("CMD", "CMD-SHELL")
    for other, wish in service.get("depends_on", {}).items():
        assert other in SERVICES
        assert set(wish) == {"condition"}
        assert wish["condition"] in CONDITIONS


def test_one_service_builds_the_image_and_all_of_ours_wait_for_it():
    """Compose labels what it builds with the service: six builds were six images, and a second `up` made all anew."""
    assert {name for name, service in SERVICES.items() if "build" in service} == {"migrate"}
    assert {name for name in OURS if "migrate" in SERVICES[name]["depends_on"]} == OURS - {"migrate"}
    # Else those without `build` are asked for at a registry first.
    assert {name for name in OURS if SERVICES[name]["pull_policy"] == "never"} == OURS


@pytest.mark.parametrize("name", ["web", "worker-fetch", "worker-checks", "worker-documents", "db"])
def test_who_is_stopped_has_a_minute_to_end_what_it_does(name: str):
    """A container engine kills after ten seconds: an upload, a mail, the database's last checkpoint."""
    assert SERVICES[name]["stop_grace_period"] == "60s"


@pytest.mark.parametrize("name", SERVICES)
def test_awaited_health_can_be_reported(name: str):
    for other, wish in SERVICES[name].get("depends_on", {}).items():
        if wish["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        if wish["condition"] == "service_completed_successfully":
            assert SERVICES[other]["restart"] == "no"


@pytest.mark.parametrize("name", SERVICES)
def test_volumes_and_mounted_files_exist(name: str):
    for volume in SERVICES[name].get("volumes", []):
        source = volume.split(":")[0]
        assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


IMAGES = [*(SERVICES[name]["image"] for name in sorted(SERVICES.keys() - OURS)), dict(dockerfile())["FROM"]]


@pytest.mark.parametrize("image", IMAGES)
def test_foreign_image_is_named_by_tag_and_digest(image: str):
    """The security page says of each tag where its digest was found."""
    name = re.fullmatch(r"([a-z0-9/]+:[\w.-]+)@sha256:[0-9a-f]{64}", image)
    assert name is not None
    assert f"| `{name[1]}` |" in (ROOT / "docs/security.md").read_text()


@pytest.mark.parametrize("name", sorted(OURS))
def test_environment_of_our_services_is_read_by_the_settings(name: str):
    """But for what compose alone reads of .env, and hides from them."""
    given = SERVICES[name]["environment"].items()
    assert {variable for variable, value in given if value and not is_setting(variable)} == set()


def test_variables_that_compose_fills_in_are_in_the_example():
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    assert used == COMPOSE_VARIABLES
    assert used <= set(example_variables())


def example_variables() -> list[str]:
    text = (ROOT / ".env.example").read_text()
    return re.findall(r"^#?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE)


def test_example_offers_the_token_of_figures_and_status():
    """A request that comes by the published port comes from the engine's bridge, never from loopback."""
    assert "METRICS_TOKEN" in example_variables()


@pytest.mark.parametrize("name", example_variables())
def test_example_names_only_what_is_read(name: str):
    assert name in COMPOSE_VARIABLES or is_setting(name)


@pytest.mark.parametrize("name", sorted(OURS))
def test_command_exists(name: str):
    default = next(shlex.split(rest.strip("[]").replace(",", " ")) for key, rest in dockerfile() if key == "CMD")
    check_command(SERVICES[name].get("command", default))


def threads_of(words: list[str]) -> int:
    """Each of which may have a connection to the database."""
    if "gunicorn" in words:
        return int(words[words.index("--workers") + 1]) * int(words[words.index("--threads") + 1])
    if "--concurrency" not in words:
        return 1
    number = int(words[words.index("--concurrency") + 1])
    return 2 * number if "fetch" in words else number  # what came due has threads of its own


def test_database_has_a_connection_for_every_thread():
    (serves,) = (json.loads(words) for instruction, words in dockerfile() if instruction == "CMD")
    threads = [threads_of(SERVICES[name].get("command", serves)) for name in OURS]
    asked = SERVICES["db"]["command"]
    kept_for_superusers = 3
    assert int(asked[-1].removeprefix("max_connections=")) >= sum(threads) + kept_for_superusers


def check_command(words: list[str]) -> None:
    if words[:2] == ["python", "manage.py"]:
        assert (ROOT / "manage.py").exists()
        assert words[2] in get_commands()
        return
    program = importlib.import_module(words[0])
    assert program.__name__ in ("gunicorn", "celery")
    target = words[words.index("-A") + 1] if words[0] == "celery" else words[1]
    module, _, attribute = target.partition(":")
    assert hasattr(importlib.import_module(module), attribute or "app")


def test_every_queue_has_its_worker():
    commands = [service["command"] for name, service in SERVICES.items() if name.startswith("worker")]
    routed = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()} | {settings.CELERY_TASK_DEFAULT_QUEUE}
    assert {queue for words in commands for queue in words[words.index("-Q") + 1].split(",")} == routed


def test_checks_leave_threads_to_the_tick():
    words = SERVICES["worker-checks"]["command"]
    assert "tick" in words[words.index("-Q") + 1].split(",")
    assert int(words[words.index("--concurrency") + 1]) > settings.CHECKS_AT_ONCE


def test_copied_sources_exist_and_are_not_ignored():
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {source for line in ignore if line.startswith("!") for source in ROOT.glob(line[1:])}
    for key, rest in dockerfile():
        if key == "COPY":
            for source in rest.split()[:-1]:
                assert ROOT / source in allowed, source
                assert (ROOT / source).exists(), source


def test_image_holds_every_app():
    copied = {rest.split()[0] for key, rest in dockerfile() if key == "COPY"}
    apps = {path.parent.name for path in ROOT.glob("*/apps.py")}
    assert apps | {"zenvoices", "templates", "manage.py"} <= copied


def test_image_installs_by_hash_and_does_not_run_as_root():
    lines = dockerfile()
    assert any(key == "RUN" and "pip install --require-hashes" in rest for key, rest in lines)
    user = max(number for number, (key, _) in enumerate(lines) if key == "USER")
    assert lines[user][1].strip() == "portal"
    assert not any(key == "RUN" for key, _ in lines[user:])


def test_owner_of_the_tables_is_known_to_migrate_and_the_database_alone():
    """What the script makes, tests/servers/test_postgresql.py looks at."""
    assert os.access(ROOT / "docker" / "database.sh", os.X_OK)
    given = {name: service.get("environment", {}) for name, service in SERVICES.items()}
    knows = {name for name, environment in given.items() if "POSTGRES_OWNER_PASSWORD:" in str(environment.values())}
    blind = {name for name, environment in given.items() if environment.get("POSTGRES_OWNER_PASSWORD") == ""}
    assert knows == {"migrate", "db"}
    assert blind == OURS
    assert SERVICES["web"]["environment"]["DATABASE_URL"].startswith("postgres://portal:")


def test_ci_begins_without_anything_that_was_installed():
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines[-2:] == ["make clean", "exec make test"]
    cleaning = subprocess.run(["make", "-n", "clean"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert {".venv", "tests/servers/provider/node_modules"} <= set(shlex.split(cleaning))
