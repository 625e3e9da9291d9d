"""Makes .venv and installs the locked packages, hashes checked; does nothing when they are there already."""

from __future__ import annotations

import ast
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO

from scripts import reasons

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
RUN_LOCKS = ("requirements.txt", "requirements-demo.txt")
TEST_LOCKS = (*RUN_LOCKS, "requirements-dev.txt", "requirements-oldest-pip.txt")
#: No wheels: built in the venv, with what the locks before it brought, since pip would fetch the newest to build with.
SOURCE = "requirements-bench-source.txt"
BENCH_LOCKS = (*TEST_LOCKS, "requirements-bench.txt", SOURCE)
#: Not among the venv's packages but in a folder of its own: the tests install with it.
APART = {"requirements-oldest-pip.txt": "oldest-pip"}

#: How packages are reached is for this machine to say, and only that: its other settings of pip and uv
#: (constraints, --user, --target, --pre, a cooldown ...) would install something else, or elsewhere, or nothing.
REACH = re.compile(
    r"PIP_((EXTRA_)?INDEX_URL|NO_INDEX|FIND_LINKS|TRUSTED_HOST|(CLIENT_)?CERT|PROXY|(DEFAULT_)?TIMEOUT|RETRIES"
    r"|(NO_)?CACHE_DIR|KEYRING_PROVIDER)"
    r"|UV_(INDEX.*|DEFAULT_INDEX|EXTRA_INDEX_URL|NO_INDEX|FIND_LINKS|HTTP_.*|NATIVE_TLS|SYSTEM_CERTS|INSECURE_HOST"
    r"|KEYRING_PROVIDER|OFFLINE|CACHE_DIR|NO_CACHE|LINK_MODE|CONCURRENT_.*|REQUEST_TIMEOUT)"
)


class BootstrapFailed(Exception):
    """The packages could not be installed; the text says what to do."""


def ensure(locks: tuple[str, ...], venv: Path = VENV) -> None:
    """Returns when the venv holds what the lock files ask for."""
    missing = _missing(locks, venv)
    if not missing and _works(venv):
        return
    try:
        venv.parent.mkdir(parents=True, exist_ok=True)
        with _alone(venv.parent) as guard:
            _install(locks, venv, guard)
    except OSError as error:
        raise BootstrapFailed(reasons.of_error(error, venv)) from error


@contextmanager
def _alone(folder: Path) -> Iterator[int]:
    """One installation at a time; gives the descriptor that keeps others out until the last who has it has ended."""
    guard = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another installation in this folder ...")
            fcntl.flock(guard, fcntl.LOCK_EX)
        yield guard
    finally:
        os.close(guard)


def _install(locks: tuple[str, ...], venv: Path, guard: int) -> None:
    half = venv / "half-installed"
    if venv.exists() and (half.exists() or not _works(venv)):
        say(f"What is in {venv.name} is half installed, or of another Python; starting afresh.")
        shutil.rmtree(venv)
    if not venv.exists():
        say(f"Making {venv.name} with Python {sys.version_info[0]}.{sys.version_info[1]} ...")
        venv.mkdir()
        half.touch()
        _run(_venv_maker(venv), clean_environment(), venv, guard)
    missing = _missing(locks, venv)
    if missing:
        say("Installing the locked packages (only now and after an upgrade) ...")
        half.touch()
        env = {**clean_environment(), **_reach_of_pip(venv)}
        for command in _installations(locks, missing, venv):
            _run(command, env, venv, guard)
    for name in missing:
        _stamp(venv, name).write_text(_digest(ROOT / name))
    half.unlink(missing_ok=True)


def _installations(locks: tuple[str, ...], missing: list[str], venv: Path) -> Iterator[list[str]]:
    installer = _installer(venv)
    yield [*installer, *_requirements([name for name in locks if name not in (*APART, SOURCE)])]
    if SOURCE in missing:
        yield [*installer, "--no-build-isolation", *_requirements([SOURCE])]
    for name in (name for name in missing if name in APART):
        shutil.rmtree(venv / APART[name], ignore_errors=True)
        yield [*installer, "--target", str(venv / APART[name]), *_requirements([name])]


def _venv_maker(venv: Path) -> list[str]:
    if uv := _uv():
        return [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(venv)]
    if importlib.util.find_spec("ensurepip"):
        return [sys.executable, "-m", "venv", str(venv)]
    if importlib.util.find_spec("pip"):  # this Python's pip installs into it
        return [sys.executable, "-m", "venv", "--without-pip", str(venv)]
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    raise BootstrapFailed(
        f"{sys.executable} cannot make virtual environments. On Debian and Ubuntu:\n"
        f"    sudo apt-get install python{version}-venv\nor install uv, and try again."
    )


def _installer(venv: Path) -> list[str]:
    if uv := _uv():
        return [uv, "pip", "install", "--quiet", "--python", str(venv / "bin" / "python"), "--require-hashes"]
    # Compiled is what is imported, when it is: all of it takes a minute of the processor, and much is never imported.
    options = ["install", "--no-compile", "--disable-pip-version-check", "--no-input", "--require-hashes"]
    if os.geteuid() == 0:
        options.append("--root-user-action=ignore")
    return [*_pip(venv), *options]


def _pip(venv: Path) -> list[str]:
    python = str(venv / "bin" / "python")
    if _answers([python, "-m", "pip", "--version"]):
        return [python, "-m", "pip"]
    return [sys.executable, "-m", "pip", "--python", python]


def _uv() -> str | None:
    uv = shutil.which("uv")
    return uv if uv and _answers([uv, "--version"]) else None


def _requirements(locks: list[str]) -> list[str]:
    return [argument for name in locks for argument in ("-r", name)]


def _run(command: list[str], env: dict[str, str], venv: Path, guard: int) -> None:
    """To its good end. Its complaints are shown as they come; all that it says is read when it fails."""
    # Why pip did not reach an index it tells its log alone; with -vv it takes half as long again.
    with TemporaryFile("w+", errors="replace") as output, NamedTemporaryFile("r", errors="replace") as log:
        complaints = []
        with _started(command, {**env, "PIP_LOG": log.name}, output, guard) as process:
            try:
                for line in process.stderr or ():
                    sys.stderr.write(line)
                    complaints.append(line)
            except BaseException:
                process.kill()
                raise
        output.seek(0)
        said = output.read() + "".join(complaints) + log.read()
    if process.returncode:
        raise BootstrapFailed(f"The packages could not be installed. {reasons.of_output(said, venv)}")


def _started(command: list[str], env: dict[str, str], output: IO[str], guard: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        pass_fds=[guard],
    )


def clean_environment() -> dict[str, str]:
    """This machine's, with no other settings of pip and uv than how to reach packages."""
    foreign = re.compile(r"PIP_|UV_|PYTHON(PATH|HOME)$|VIRTUAL_ENV$")
    return {name: value for name, value in os.environ.items() if REACH.fullmatch(name) or not foreign.match(name)}


def _reach_of_pip(venv: Path) -> dict[str, str]:
    """What pip's files say, as variables: for a pip that reads no files."""
    files = {name: value for name, value in os.environ.items() if name == "PIP_CONFIG_FILE"}
    # --user has another meaning to `pip config`; a file that sets it is the kind that is to be left out here.
    env = {**clean_environment(), **files, "PIP_USER": "0"}
    command = [*_pip(venv), "config", "list"]
    listed = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in listed.stdout.splitlines() if listed.returncode == 0 else ():
        key, _, value = line.partition("=")
        section, _, option = key.rpartition(".")
        name = "PIP_" + option.upper().replace("-", "_")
        if section in found and REACH.fullmatch(name):
            found[section][name] = str(ast.literal_eval(value))
    return {**found["global"], **found["install"], **found[":env:"], "PIP_CONFIG_FILE": os.devnull}


def _works(venv: Path) -> bool:
    """Its Python runs, and is of the version that this one is."""
    same = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    return _answers([str(venv / "bin" / "python"), "-c", same])


def _answers(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _missing(locks: tuple[str, ...], venv: Path) -> list[str]:
    def installed(name: str) -> str:
        stamp = _stamp(venv, name)
        return stamp.read_text() if stamp.exists() else ""

    return [name for name in locks if installed(name) != _digest(ROOT / name)]


def _stamp(venv: Path, lock: str) -> Path:
    return venv / f"installed-{lock}.sha256"


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def main() -> int:
    try:
        ensure({"--dev": TEST_LOCKS, "--bench": BENCH_LOCKS}.get("".join(sys.argv[1:]), RUN_LOCKS))
    except BootstrapFailed as error:
        print(f"\n{error}\n", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; the next try starts afresh.", file=sys.stderr)  # noqa: T201
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
