"""`make test`: every check and every test, on real components.

Arguments are pytest's (make test ARGS="-k fetch"); with them the checks are left out. --lint runs the checks alone,
--fast the tests that are quick and need no server (make test-fast).
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from scripts import bootstrap
from scripts.bootstrap import ROOT, VENV, say
from scripts.components import COMPONENTS, missing

CODE = ("zenvoices", "administrations", "documents", "notifications", "channels", "leaving", "demo", "scripts")
NOTHING_COLLECTED = 5
#: as many as this process may use, which a container or taskset may have made fewer than the machine has
WORKERS = ("-n", "auto")
# By file, for what a file shares; in the order of the collection, which begins with the slow ones.
SPREAD = (*WORKERS, "--dist", "loadfile", "--no-loadscope-reorder")
FAST = " and ".join(["not slow", "not thorough", *(f"not {component.marker}" for component in COMPONENTS)])
#: What this machine is set to must not reach checks and tests. Without kept bytecode each process of a run compiles
#: every module anew, and pytest rewrites every assert: half of what collecting costs.
NOT_INHERITED = ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL", "DEBUG", "PYTHONDONTWRITEBYTECODE")

#: tests.environment: where the processes of all phases find what one of them has made
SHARED = "TESTS_SHARED_FOLDER"


@dataclass
class Summary:
    rows: list[tuple[str, str, float]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: {"failed": 0, "passed": 0, "skipped": 0})
    started: float = field(default_factory=time.monotonic)

    def row(self, name: str, ok: bool, seconds: float) -> None:
        self.rows.append((name, "ok" if ok else "FAILED", seconds))

    @property
    def ok(self) -> bool:
        return all(outcome == "ok" for _, outcome, _ in self.rows)

    def tell(self) -> None:
        say("\n" + "-" * 60)
        for name, outcome, seconds in self.rows:
            say(f"{outcome:7} {seconds:6.1f} s  {name}")
        for reason in self.skipped:
            say(f"SKIPPED           {reason}")
        failed_checks = [name for name, outcome, _ in self.rows if outcome != "ok"]
        if failed_checks:
            say(f"Failed: {', '.join(failed_checks)}")
        counted = ", ".join(f"{count} {word}" for word, count in self.counts.items() if count or word == "passed")
        say(f"====== {counted} in {time.monotonic() - self.started:.2f}s ======")


def main(arguments: list[str]) -> int:
    summary = Summary()
    lint, fast = arguments == ["--lint"], arguments[:1] == ["--fast"]
    absent: set[str] = set()
    try:
        bootstrap.ensure(bootstrap.TEST_LOCKS)
        if not lint and not fast:
            absent = _absent(summary)
    except bootstrap.BootstrapFailed as error:
        say(str(error))
        return 1
    with tempfile.TemporaryDirectory(prefix="zenvoices-checks-") as folder:
        if not arguments or lint:
            _checks(summary, Path(folder))
        if fast:
            _pytest(summary, "quick tests on SQLite", Path(folder), ["-m", FAST, *SPREAD, *arguments[1:]])
        elif not lint:
            _tests(summary, Path(folder), arguments, absent)
    summary.tell()
    return 0 if summary.ok else 1


def _absent(summary: Summary) -> set[str]:
    """The markers of what is not installed; with CI=true that is a failure."""
    strict = os.environ.get("CI", "").lower() in ("1", "true")
    absent = missing()
    for component in absent:
        summary.skipped.append(f"{component.name} is not installed ({component.hint})")
        summary.row(f"{component.name} is there", not strict, 0)
    return {component.marker for component in absent}


def _checks(summary: Summary, folder: Path) -> None:
    env = _environment(folder)
    manage = [_program("python"), "manage.py"]
    templates = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("templates/**/*.html"))
    _step(summary, "ruff check", [_program("ruff"), "check", "--quiet", "."], env)
    _step(summary, "bandit", [_program("bandit"), "--quiet", "-c", "pyproject.toml", "-r", *CODE], env)
    _step(summary, "ruff format", [_program("ruff"), "format", "--quiet", "--check", "."], env)
    _step(summary, "imports", [_program("lint-imports"), "--no-cache"], env)
    if templates:
        _step(summary, "templates", [_program("djade"), "--check", "--target-version", "5.2", *templates], env)
    _step(summary, "migrations", [*manage, "makemigrations", "--check", "--dry-run"], env)
    deploy = {
        **env,
        "BASE_URL": "https://portal.example",
        "EMAIL_URL": "smtp+tls://relay.example:587",
        "TRUSTED_PROXY_COUNT": "1",
    }
    _step(summary, "check --deploy", [*manage, "check", "--deploy", "--fail-level", "WARNING"], deploy)
    _step(summary, "mypy", [_program("mypy"), *CODE], env)


def _tests(summary: Summary, folder: Path, arguments: list[str], absent: set[str]) -> None:
    without = "".join(f" and not {marker}" for marker in sorted(absent - {"postgres"}))
    on_sqlite = ["-m", f"not browser and not postgres{without}", *SPREAD]
    _pytest(summary, "tests on SQLite", folder, [*on_sqlite, *arguments])
    if "postgres" not in absent:
        on_postgresql = ["-m", f"(postgres or not (slow or once)) and not browser{without}", *SPREAD]
        _pytest(summary, "tests on PostgreSQL", folder, [*on_postgresql, *arguments], with_postgresql=True)
    if "browser" not in absent:
        # One by one, for these tests are long; together those that need a portal of their own.
        in_browser = ["-m", f"browser{without}", *WORKERS, "--dist", "loadgroup", "--no-loadscope-reorder"]
        _pytest(summary, "tests in the browser", folder, [*in_browser, *arguments])


def _pytest(summary: Summary, name: str, folder: Path, options: list[str], *, with_postgresql: bool = False) -> None:
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    command = [_program("python"), "-m", "pytest", "-q", f"--junitxml={report}", *options]
    if with_postgresql:
        command = [_program("python"), "-m", "tests.servers.postgresql", *command]
    _step(summary, name, command, {**_inherited(), SHARED: str(folder)}, fine=(0, NOTHING_COLLECTED))
    if report.exists():
        _count(summary, report)


def _count(summary: Summary, report: Path) -> None:
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):  # noqa: S314 -- pytest's own # nosec
        numbers = {key: int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")}
        failed = numbers["failures"] + numbers["errors"]
        summary.counts["failed"] += failed
        summary.counts["skipped"] += numbers["skipped"]
        summary.counts["passed"] += numbers["tests"] - failed - numbers["skipped"]


def _step(summary: Summary, name: str, command: list[str], env: dict[str, str], fine: tuple[int, ...] = (0,)) -> None:
    say(f"\n--- {name}")
    started = time.monotonic()
    code = subprocess.run(command, cwd=ROOT, env=env, check=False).returncode
    summary.row(name, code in fine, time.monotonic() - started)


def _environment(folder: Path) -> dict[str, str]:
    settings = {
        "DATA_DIR": str(folder / "data"),
        "SECRET_KEY": "only-for-the-checks-" + "x9Zq" * 12,
        "CREDENTIAL_KEYS": base64.urlsafe_b64encode(bytes(32)).decode(),
    }
    return {**_inherited(), **settings}


def _inherited() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in NOT_INHERITED}


def _program(name: str) -> str:
    return str(VENV / "bin" / name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
