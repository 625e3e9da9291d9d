"""Makes .venv and installs the locked packages, hashes checked; does nothing when they are there already."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
RUN_LOCKS = ("requirements.txt", "requirements-demo.txt")
TEST_LOCKS = (*RUN_LOCKS, "requirements-dev.txt")
BENCH_LOCKS = (*TEST_LOCKS, "requirements-bench.txt")


class BootstrapFailed(Exception):
    """The packages could not be installed; the text says what to do."""


def ensure(locks: tuple[str, ...], venv: Path = VENV) -> None:
    """Returns when the venv holds what the lock files ask for."""
    missing = _missing(locks, venv)
    if not missing and _works(venv):
        return
    venv.parent.mkdir(parents=True, exist_ok=True)
    guard = os.open(venv.parent, os.O_RDONLY)
    try:
        fcntl.flock(guard, fcntl.LOCK_EX)  # a second make waits here
        _install(locks, venv)
    finally:
        os.close(guard)


def _install(locks: tuple[str, ...], venv: Path) -> None:
    half = venv / "half-installed"
    if venv.exists() and (half.exists() or not _works(venv)):
        say("The last installation did not finish; starting afresh.")
        shutil.rmtree(venv)
    if not venv.exists():
        say(f"Making {venv.name} with Python {sys.version_info[0]}.{sys.version_info[1]} ...")
        _make_venv(venv)
    missing = _missing(locks, venv)
    if not missing:
        return
    say("Installing the locked packages (only now and after an upgrade) ...")
    half.touch()
    done = subprocess.run([*_installer(venv), *_requirements(locks)], cwd=ROOT, check=False)
    if done.returncode:
        raise BootstrapFailed(
            "The packages could not be installed; the reason stands above. "
            "Is this machine online, or is a package index configured for pip?"
        )
    for name in missing:
        _stamp(venv, name).write_text(_digest(ROOT / name))
    half.unlink()


def _make_venv(venv: Path) -> None:
    uv = shutil.which("uv")
    if uv and _answers([uv, "--version"]):
        command = [uv, "venv", "--quiet", "--python", sys.executable, str(venv)]
    elif importlib.util.find_spec("ensurepip"):
        command = [sys.executable, "-m", "venv", str(venv)]
    elif importlib.util.find_spec("pip"):
        command = [
            sys.executable,
            "-m",
            "venv",
            "--without-pip",
            str(venv),
        ]  # this Python's pip installs into it
    else:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise BootstrapFailed(
            f"{sys.executable} cannot make virtual environments. On Debian and Ubuntu:\n"
            f"    sudo apt-get install python{version}-venv\nor install uv, and try again."
        )
    if subprocess.run(command, check=False).returncode:
        shutil.rmtree(venv, ignore_errors=True)
        raise BootstrapFailed(f"Making {venv} failed; the reason stands above.")


def _installer(venv: Path) -> list[str]:
    python = str(venv / "bin" / "python")
    uv = shutil.which("uv")
    if uv and _answers([uv, "--version"]):
        return [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes"]
    options = ["install", "--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes"]
    if os.geteuid() == 0:
        options.append("--root-user-action=ignore")
    if _answers([python, "-m", "pip", "--version"]):
        return [python, "-m", "pip", *options]
    return [sys.executable, "-m", "pip", "--python", python, *options]


def _requirements(locks: tuple[str, ...]) -> list[str]:
    return [argument for name in locks for argument in ("-r", name)]


def _works(venv: Path) -> bool:
    return _answers([str(venv / "bin" / "python"), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"])


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
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
