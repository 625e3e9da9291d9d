"""`make lock`: requirements*.in resolved into locks that nothing published afterwards can change.

Versions stay as they are; UPGRADE=1 takes the newest of all, UPGRADE=name of one package.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.bootstrap import ROOT, SOURCE, VENV, clean_environment, say
from scripts.pins import PYTHONS, Pin, Requires, Wish, asked_for, environments, read, requires_of, unanswered

#: Each after those whose versions it follows (the -c and -r in its .in file).
SETS = (
    "requirements",
    "requirements-demo",
    "requirements-s3",
    "requirements-observability",
    "requirements-dev",
    "requirements-bench",
    "requirements-bench-source",
    "requirements-servers",
    "requirements-oldest-pip",
)
#: Where every package has a wheel. What is built is built with what is locked too: bootstrap.SOURCE.
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "aarch64-apple-darwin")


class NotLocked(Exception):
    """No locks were written; the text says why."""


def main() -> int:
    uv = shutil.which("uv", path=os.pathsep.join([str(VENV / "bin"), os.environ.get("PATH", "")]))
    try:
        if not uv:
            raise NotLocked("make lock needs uv; make test installs it.")
        with TemporaryDirectory(prefix="locks-") as folder:
            drafts = Path(folder)
            for file in ROOT.glob("requirements*"):
                shutil.copy(file, drafts)
            lock(uv, drafts, SETS, os.environ.get("UPGRADE", ""))
            _check_wheels(uv, drafts)
            for name in SETS:
                shutil.copy(drafts / f"{name}.txt", ROOT)
    except NotLocked as problem:
        print(problem, file=sys.stderr)  # noqa: T201
        return 1
    return 0


def lock(uv: str, folder: Path, sets: Iterable[str], upgrade: str = "") -> None:
    """Writes the .txt beside each .in; its entries are all that its packages ask for, or NotLocked is raised."""
    wanted = [] if upgrade in ("", "0") else ["--upgrade"] if upgrade == "1" else ["--upgrade-package", upgrade]
    for name in sets:
        say(f"Resolving {name}.in ...")
        files = [f"{name}.in", "--output-file", f"{name}.txt"]
        machines = ["--universal", "--python-version", PYTHONS[0]]
        shape = ["--generate-hashes", "--no-strip-extras", "--emit-build-options", *_wheels_only(name)]
        quiet = ["--no-header", "--no-emit-index-url", "--no-emit-find-links"]
        _uv(uv, ["compile", *files, *machines, *shape, *quiet, *wanted], folder)
    requires = _metadata(uv, folder, sets)
    for name in sets:
        file = folder / f"{name}.txt"
        text = with_every_wish(file.read_text(encoding="utf-8"), requires)
        _check_whole(name, read(text), requires)
        file.write_text(text, encoding="utf-8")


def _wheels_only(name: str) -> list[str]:
    return [] if f"{name}.txt" == SOURCE else ["--only-binary", ":all:"]


def with_every_wish(lock: str, requires: Requires) -> str:
    """The lock's text with an entry for each combination of extras that a package asks for (see Wish)."""
    wishes = asked_for(read(lock), requires)
    head, *entries = re.split(r"(?m)^(?=[a-z0-9])", lock)
    return head + "".join(written for entry in entries for written in _entries(entry, wishes))


def _entries(entry: str, wishes: set[Wish]) -> list[str]:
    (pin,) = read(entry)
    others = {wish for wish in wishes | {Wish(pin.wish.name)} if wish.name == pin.wish.name} - {pin.wish}
    bare = re.sub(r"(?m)^    #.*\n", "", entry)
    copies = {wish: re.sub(r"^[^=]+(?===)", str(wish), bare) for wish in others}
    ordered = sorted({**copies, pin.wish: entry}.items(), key=lambda item: str(item[0]))
    return [text for _, text in ordered]


def _metadata(uv: str, folder: Path, sets: Iterable[str]) -> Requires:
    """Installs everything that is locked, for whatever machine, and reads what it asks for."""
    pins = [pin for name in sets for pin in read((folder / f"{name}.txt").read_text(encoding="utf-8"))]
    everything = folder / "everything.txt"
    everything.write_text("".join(sorted({f"{pin.wish.name}=={pin.version}\n" for pin in pins})))
    target = str(folder / "everything")
    place = ["--python", sys.executable, "--target", target]
    _uv(uv, ["install", *place, "--no-deps", "--requirements", everything.name], folder)
    return requires_of([target])


def _check_whole(name: str, pins: list[Pin], requires: Requires) -> None:
    missing = sorted({line for environment in environments() for line in unanswered(pins, requires, environment)})
    if missing:
        raise NotLocked(f"{name}.txt would not be whole:\n  " + "\n  ".join(missing))


def _check_wheels(uv: str, folder: Path) -> None:
    wheels = [f"{name}.txt" for name in SETS if _wheels_only(name)]
    for python in PYTHONS:
        for platform in PLATFORMS:
            say(f"Looking for wheels of Python {python} on {platform} ...")
            kind = ["--python-version", python, "--python-platform", platform, "--no-deps", "--only-binary", ":all:"]
            _uv(uv, ["compile", *kind, *wheels, "--output-file", "wheels"], folder)


def _uv(uv: str, arguments: list[str], folder: Path) -> None:
    command = [uv, "pip", arguments[0], "--quiet", *arguments[1:]]
    if subprocess.run(command, cwd=folder, env=clean_environment(), check=False).returncode:
        raise NotLocked("No locks were written; the reason stands above.")


if __name__ == "__main__":
    sys.exit(main())
