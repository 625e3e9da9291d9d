"""Nothing that is published after a lock was made changes what is installed from it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from scripts import bootstrap, locks, pins
from scripts.bootstrap import ROOT
from scripts.pins import Wish
from tests.servers.package_index import PackageIndex

LOCKS = [f"{name}.txt" for name in locks.SETS]
#: What is installed in one go: make run, make test, make bench, the image, and each lock by hand.
TOGETHER = {
    "make run": bootstrap.RUN_LOCKS,
    "make test": bootstrap.TEST_LOCKS,
    "make bench": bootstrap.BENCH_LOCKS,
    "Dockerfile": ("requirements.txt", "requirements-s3.txt", "requirements-observability.txt"),
    **{lock: (lock,) for lock in LOCKS},
}
UV = Path(sys.prefix) / "bin" / "uv"
REQUIRES = pins.requires_of(sys.path)


def text(lock: str) -> str:
    return (ROOT / lock).read_text()


def pinned(names: Sequence[str]) -> list[pins.Pin]:
    return [pin for name in names for pin in pins.read(text(name))]


def test_every_source_is_locked_by_make_lock():
    assert {path.name for path in ROOT.glob("requirements*.in")} == {f"{name}.in" for name in locks.SETS}


# --- The locks as they are ------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", LOCKS)
def test_every_entry_fixes_a_version_and_its_files_and_nothing_is_built(lock: str):
    assert text(lock).startswith("--only-binary :all:\n") or lock == bootstrap.SOURCE
    assert [str(pin.wish) for pin in pinned([lock]) if not (pin.version and pin.hashes)] == []


@pytest.mark.thorough
@pytest.mark.parametrize("names", TOGETHER.values(), ids=TOGETHER)
def test_every_wish_of_every_package_is_pinned_as_it_is_asked(names: tuple[str, ...]):
    """On each promised Python and machine, under all their markers, from the metadata of what is installed here."""
    environments = list(pins.environments())
    assert {line for each in environments for line in pins.unanswered(pinned(names), REQUIRES, each)} == set()


def test_metadata_of_nearly_all_locked_packages_was_there_to_read():
    """What this machine does not install was seen by `make lock`, which refuses a lock that is not whole."""
    here = {pin.wish.name for pin in pinned(LOCKS) if pin.marker is None or pin.marker.evaluate()}
    assert here - REQUIRES.keys() <= {
        pin.wish.name
        for lock in ("oldest-pip", "bench", "bench-source", "servers")
        for pin in pinned([f"requirements-{lock}.txt"])
    }


def test_locks_agree_on_each_version():
    versions = {(pin.wish.name, pin.version) for pin in pinned(LOCKS)}
    assert len(versions) == len({name for name, _ in versions})


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_holds_what_its_source_asks_for(lock: str):
    held = {pin.wish: pin.version for pin in pinned([lock])}
    for wanted in direct((ROOT / lock).with_suffix(".in")):
        assert held[Wish.of(wanted)] in wanted.specifier


def direct(source: Path) -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in source.read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


# --- Installed from an index where everything was released anew -----------------------------------------

Install = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def index() -> Iterator[PackageIndex]:
    with PackageIndex() as index:
        yield index


@pytest.fixture(
    params=[
        pytest.param(
            "pip 23.0",
            marks=pytest.mark.skipif(sys.version_info >= (3, 12), reason="pip 23.0 does not run on Python 3.12"),
        ),
        "this Python's pip",
        "uv",
    ]
)
def install(request: pytest.FixtureRequest, tmp_path: Path, index: PackageIndex) -> Install:
    if request.param == "this Python's pip":
        shutil.copytree(request.getfixturevalue("with_pip"), tmp_path / "fresh", symlinks=True)
    return installer(request.param, tmp_path / "fresh", index)


@pytest.fixture
def oldest_pip(tmp_path: Path, index: PackageIndex) -> Install:
    if sys.version_info >= (3, 12):
        pytest.skip("pip 23.0 does not run on Python 3.12")
    return installer("pip 23.0", tmp_path / "fresh", index)


def installer(kind: str, venv: Path, index: PackageIndex) -> Install:
    """Installs into a fresh environment, with no index but the test's own, and says nothing of hashes itself."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(venv.parent), "PIP_CONFIG_FILE": os.devnull}
    environment |= {"PIP_INDEX_URL": index.url, "UV_DEFAULT_INDEX": index.url, "UV_NO_CONFIG": "1"}
    environment |= {"PIP_NO_CACHE_DIR": "1", "UV_CACHE_DIR": str(venv.parent / "uv"), "PIP_RETRIES": "0"}
    if not venv.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = str(venv / "bin" / "python")
    command = [python, "-m", "pip", "install"]
    if kind == "uv":
        command = [str(UV), "pip", "install", "--python", python]
    if kind == "pip 23.0":
        environment["PYTHONPATH"] = str(Path(sys.prefix) / bootstrap.APART["requirements-oldest-pip.txt"])

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, check=False)

    return run


def installed(venv: Path) -> dict[str, str]:
    (folder,) = venv.glob("lib/python*/site-packages")
    found = (path.name.removesuffix(".dist-info").rpartition("-") for path in folder.glob("*.dist-info"))
    return {name.replace("_", "-"): version for name, _, version in found if name not in ("pip", "setuptools")}


def published_anew(lock: str, index: PackageIndex) -> str:
    """The lock, its files replaced by tiny ones that ask for the same; a higher version of each is there as well."""
    head, *entries = re.split(r"(?m)^(?=[a-z0-9])", lock)
    written = [head]
    for entry in entries:
        (pin,) = pins.read(entry)
        digest = "0" * 64
        if pin.wish.name in REQUIRES and pin.wish.name != "pip":
            found = distribution(pin.wish.name)
            extras = found.metadata.get_all("Provides-Extra") or []
            digest = index.publish(pin.wish.name, pin.version, found.requires or [], extras)
            index.publish(pin.wish.name, "9999", found.requires or [], extras)
        written.append(re.sub(r"(?s) \\\n.*", f" \\\\\n    --hash=sha256:{digest}\n", entry))
    return "".join(written)


@pytest.mark.slow
@pytest.mark.proof
def test_locks_install_the_same_after_a_release_of_every_package(index: PackageIndex, install: Install, tmp_path: Path):
    names = ("requirements.txt", "requirements-demo.txt", "requirements-dev.txt", "requirements-s3.txt")
    for name in names:
        (tmp_path / name).write_text(published_anew(text(name), index))
    done = install(*(argument for name in names for argument in ("-r", str(tmp_path / name))))
    assert done.returncode == 0, done.stdout + done.stderr
    assert installed(tmp_path / "fresh") == {
        pin.wish.name: pin.version for pin in pinned(names) if pin.marker is None or pin.marker.evaluate()
    }
    assert not [path for path in index.asked if "-9999-" in path]


# --- A lock made here, then the world moves on ----------------------------------------------------------


@pytest.fixture
def locked(index: PackageIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock made while `library` 1 was the newest; `app` asks for it as celery[redis] asks for kombu."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    index.publish("app", "1", ["library>=1", "library[toml]; extra == 'redis'"], ["redis"])
    index.publish("library", "1", ["part; extra == 'toml'"], ["toml"])
    index.publish("part", "1")
    (tmp_path / "requirements.in").write_text("app[redis]\n")
    locks.lock(str(UV), tmp_path, ["requirements"])
    return tmp_path / "requirements.txt"


def later(index: PackageIndex) -> None:
    index.publish("library", "2", ["part; extra == 'toml'"], ["toml"])
    index.publish("library", "1", ["part; extra == 'toml'"], ["toml"], tags="7-py3-none-any")  # a higher build
    index.publish("part", "2")
    index.publish("app", "2", [], ["redis"])


@pytest.mark.slow
def test_lock_has_an_entry_for_each_combination_of_extras(locked: Path):
    assert [str(pin.wish) for pin in pins.read(locked.read_text())] == [
        *("app", "app[redis]", "library", "library[toml]", "part")
    ]


@pytest.mark.slow
@pytest.mark.proof
def test_later_releases_and_withdrawals_change_nothing(
    index: PackageIndex, locked: Path, install: Install, tmp_path: Path
):
    index.yank("library")
    later(index)
    done = install("-r", str(locked))
    assert (done.returncode, installed(tmp_path / "fresh")) == (0, {"app": "1", "library": "1", "part": "1"}), done


@pytest.mark.slow
@pytest.mark.parametrize("left_out", ["library[toml]", "library"])
def test_oldest_pip_shows_a_lock_that_lacks_a_combination(
    index: PackageIndex, locked: Path, oldest_pip: Install, left_out: str
):
    """So the tests above would be red: to pip before 23.3 the pin of x does not hold for x[extra], nor the reverse."""
    entries = re.split(r"(?m)^(?=[a-z0-9])", locked.read_text())
    locked.write_text("".join(entry for entry in entries if not entry.startswith(f"{left_out}==")))
    assert oldest_pip("-r", str(locked), "--dry-run").returncode == 0
    later(index)
    failed = oldest_pip("-r", str(locked))
    assert failed.returncode != 0
    assert "must have their versions pinned" in failed.stderr


@pytest.mark.slow
def test_locking_again_keeps_the_versions_unless_an_upgrade_is_asked_for(index: PackageIndex, locked: Path):
    later(index)
    versions = []
    for upgrade in ("", "library", "1"):
        locks.lock(str(UV), locked.parent, ["requirements"], upgrade)
        versions.append({pin.wish.name: pin.version for pin in pins.read(locked.read_text())})
    assert versions == [
        {"app": "1", "library": "1", "part": "1"},
        {"app": "1", "library": "2", "part": "1"},
        {"app": "2"},
    ]


def test_lock_that_would_not_be_whole_is_refused():
    environment = next(iter(pins.environments()))
    lock = pins.read("needs==1 --hash=sha256:0\nextra==1 --hash=sha256:0\n")
    requires = {"needs": [Requirement("extra[toml]>=1"), Requirement("part; python_version >= '3.11'")]}
    assert pins.unanswered(lock, requires, environment) == [
        "needs asks for extra[toml]>=1",
        'needs asks for part; python_version >= "3.11"',
    ]


# --- docs/dependencies.md -------------------------------------------------------------------------------


def documented() -> dict[str, dict[str, str]]:
    """Of each file: its packages and their licences, in the document's order."""
    _, *sections = re.split(r"(?m)^## .*\(`(.+)`\)$", (ROOT / "docs" / "dependencies.md").read_text())
    rows = r"(?m)^\| (?!package|---)([^|]+) \| [^|]+ \| ([^|]+) \| [^|]+ \|$"
    return {file: dict(re.findall(rows, text)) for file, text in zip(sections[::2], sections[1::2], strict=True)}


def test_document_names_every_direct_dependency_and_no_other():
    wanted = {source.name: [need.name for need in direct(source)] for source in ROOT.glob("requirements*.in")}
    for again in ("django-storages", *wanted["requirements-observability.in"]):  # asked for again, to be tested
        wanted["requirements-dev.in"].remove(again)
    for source in ROOT.glob("tests/**/package.json"):
        if "node_modules" not in source.parts:
            wanted[str(source.relative_to(ROOT))] = list(json.loads(source.read_text())["dependencies"])
    assert {file: sorted(rows, key=str.lower) for file, rows in documented().items()} == {
        file: sorted(names, key=str.lower) for file, names in wanted.items()
    }


def test_document_gives_the_licence_of_the_metadata():
    for name, licence in {name: licence for rows in documented().values() for name, licence in rows.items()}.items():
        if name.lower() in REQUIRES and (expression := distribution(name).metadata.get("License-Expression")):
            assert licence.partition(";")[0] == expression, name
