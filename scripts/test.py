"""`make test`: every check, and every test but the proofs, on real components, within twelve minutes on two cores.

Arguments are pytest's (make test ARGS="-k fetch"); with them the checks are left out, and no proof is. --lint runs the
checks alone, --fast the tests that are quick and need no server (make test-fast), --proofs what `make test` leaves out
(make proofs).
"""

from __future__ import annotations

import base64
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts import bootstrap
from scripts.bootstrap import ROOT, VENV, say
from scripts.components import COMPONENTS, Component, missing
from scripts.steps import SideBySide, Step, Summary, cores

CODE = ("zenvoices", "administrations", "documents", "notifications", "channels", "leaving", "demo", "scripts")
NOTHING_COLLECTED = 5
#: tests that talk to servers wait for a third of their time; with two for each core all take longer
WORKERS = ("-n", str(cores() + (cores() + 1) // 2))
# By file, for what a file shares; in the order of the collection, which begins with the slow ones.
BY_FILE = ("--dist", "loadfile", "--no-loadscope-reorder")
SPREAD = (*WORKERS, *BY_FILE)
FAST = " and ".join(["not slow", "not thorough", "not proof", *(f"not {component.marker}" for component in COMPONENTS)])
#: what takes a second or more, and is no guard: `make proofs` has it
PROOF = "(proof or slow and not guard)"
WALK = "(proof or not guard)"  # in the browser
#: what could come out otherwise on PostgreSQL: `make test` has it there alone, on SQLite have it the two others
MEETS_POSTGRESQL = "(postgres or database and not (slow or once)) and not browser"
#: What this machine is set to must not reach checks and tests. Without kept bytecode each process of a run compiles
#: every module anew, and pytest rewrites every assert: half of what collecting costs.
NOT_INHERITED = ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL", "DEBUG", "PYTHONDONTWRITEBYTECODE")

#: tests.environment: where the processes of all phases find what one of them has made
SHARED = "TESTS_SHARED_FOLDER"


def main(arguments: list[str]) -> int:
    summary = Summary()
    lint, fast, proofs = (arguments[:1] == [word] for word in ("--lint", "--fast", "--proofs"))
    try:
        # Servers and packages at the same time: apt waits for its disk, pip for its processor.
        with ThreadPoolExecutor() as beside:
            servers = None if lint or fast else beside.submit(missing)
            bootstrap.ensure(bootstrap.TEST_LOCKS)
    except bootstrap.BootstrapFailed as error:
        say(str(error))
        return 1
    absent = _told(summary, servers.result()) if servers else set()
    with tempfile.TemporaryDirectory(prefix="zenvoices-checks-") as name:
        folder = Path(name)
        checks = _checks(folder) if not arguments or lint else []
        if lint:
            lanes = [checks[::2], checks[1::2]]
        elif fast:
            database = Step("the database", [_program("python"), "-m", "tests.migrated"], _shared(folder))
            quick = _pytest("quick tests", folder, ["-m", FAST, "-n", str(cores()), *BY_FILE, *arguments[1:]])
            lanes = [[quick], [database]]
        else:
            lanes = [_tests(folder, arguments[proofs:], absent, proofs), checks]
        SideBySide(summary).run(*lanes)
    summary.tell()
    return 0 if summary.ok else 1


def _told(summary: Summary, absent: list[Component]) -> set[str]:
    """The markers of what is not installed; with CI=true that is a failure."""
    strict = os.environ.get("CI", "").lower() in ("1", "true")
    for component in absent:
        summary.skipped.append(f"{component.name} is not installed ({component.hint})")
        summary.row(f"{component.name} is there", not strict, 0)
    return {component.marker for component in absent}


def _checks(folder: Path) -> list[Step]:
    env = _environment(folder)
    manage = [_program("python"), "manage.py"]
    templates = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("templates/**/*.html"))
    deploy = {
        **env,
        "BASE_URL": "https://portal.example",
        "EMAIL_URL": "smtp+tls://relay.example:587",
        "TRUSTED_PROXY_COUNT": "1",
    }
    return [
        Step("mypy", [_program("mypy"), *CODE], env),
        Step("ruff check", [_program("ruff"), "check", "--quiet", "."], env),
        Step("bandit", [_program("bandit"), "--quiet", "-c", "pyproject.toml", "-r", *CODE], env),
        Step("ruff format", [_program("ruff"), "format", "--quiet", "--check", "."], env),
        Step("imports", [_program("lint-imports"), "--no-cache"], env),
        Step("templates", [_program("djade"), "--check", "--target-version", "5.2", *templates], env),
        Step("migrations", [*manage, "makemigrations", "--check", "--dry-run"], env),
        Step("check --deploy", [*manage, "check", "--deploy", "--fail-level", "WARNING"], deploy),
    ]


def _tests(folder: Path, arguments: list[str], absent: set[str], proofs: bool) -> list[Step]:
    """First the browser: it waits most, and the checks fit beside it. The others have three workers for two cores."""
    # One by one, for these tests are long; together those that need a portal of their own. Each worker starts one: that
    # costs as much as ten tests. Chromium's fixture is in that folder alone, and to collect all takes as long as two.
    where = [] if arguments else ["tests/browser"]
    one_by_one = ["-n", str(cores()), "--dist", "loadgroup", "--no-loadscope-reorder", *where]
    on_sqlite = PROOF if "postgres" in absent else f"{PROOF} or {MEETS_POSTGRESQL}"
    parts = {
        "in the browser": ("browser", "browser", WALK, one_by_one),
        "on SQLite": ("", "not browser and not postgres", on_sqlite, SPREAD),
        "on PostgreSQL": ("postgres", MEETS_POSTGRESQL, PROOF, SPREAD),
    }
    without = "".join(f" and not {marker}" for marker in sorted(absent - {"postgres"}))
    steps = []
    for name, (marker, all_of_them, left_out, options) in parts.items():
        if marker not in absent:
            chosen = all_of_them + without
            if proofs:
                chosen += f" and ({left_out})"
            elif not arguments:
                chosen += f" and not ({left_out})"
            command = ["-m", chosen, *options, *arguments]
            steps.append(_pytest(name, folder, command, with_postgresql=marker == "postgres"))
    return steps


def _pytest(name: str, folder: Path, options: list[str], *, with_postgresql: bool = False) -> Step:
    report = folder / f"{name}.xml"
    command = [_program("python"), "-m", "pytest", "-q", f"--junitxml={report}", *options]
    if sys.stdout.isatty():
        command += ["--color=yes"]
    if with_postgresql:
        command = [_program("python"), "-m", "tests.servers.postgresql", *command]
    return Step(name, command, _shared(folder), report, fine=(0, NOTHING_COLLECTED))


def _shared(folder: Path) -> dict[str, str]:
    return {**_inherited(), SHARED: str(folder)}


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
