"""Debian packages unpacked into a folder of their own, with every library they need; nothing is installed.

apt keeps its lists in our cache too, so an ordinary user can do it, and what is fetched is signed as always.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

#: What a server needs beside its libraries: names of protocols; and for an ordinary user, pretended accounts.
BESIDE = ("netbase", "libuid-wrapper")
MERGED = ("bin", "lib", "lib64", "sbin")


class NotToBeHad(Exception):
    """A program or package that this machine cannot get: the sentence says which."""


@dataclass(frozen=True)
class Unpacked:
    """`root`: a folder to change root into. `version` of the first package that was asked for."""

    root: Path
    version: str


class Debian:
    def __init__(self, cache: Path) -> None:
        for program in ("apt-get", "apt-cache", "dpkg-deb"):
            if shutil.which(program) is None:
                raise NotToBeHad(f"{program} is missing: this needs Debian or a system made from it")
        self._cache = cache
        self._one_at_a_time = threading.Lock()
        self._debs = cache / "debs"
        self._debs.mkdir(parents=True, exist_ok=True)

    def unpacked(self, name: str, wanted: Sequence[str]) -> Unpacked:
        """`wanted` packages and their libraries in a folder called `name`, kept for the next time.

        Raises NotToBeHad.
        """
        with self._one_at_a_time:
            return self._unpacked(name, wanted)

    def _unpacked(self, name: str, wanted: Sequence[str]) -> Unpacked:
        root = self._cache / "roots" / name
        stamp = root.with_suffix(".version")
        if not stamp.exists():
            shutil.rmtree(root, ignore_errors=True)
            versions = self._closure(wanted)
            _unpack(self._downloaded(versions), root)
            stamp.write_text(versions[wanted[0]])
        return Unpacked(root, stamp.read_text())

    @cached_property
    def _options(self) -> list[str]:
        """apt's own folders, and the lists of packages fetched into them once."""
        lists, archives = self._cache / "apt" / "lists", self._cache / "apt" / "archives"
        options = [f"-oDir::State::Lists={lists}", f"-oDir::Cache={archives}", "-oAPT::Sandbox::User="]
        if not lists.exists():
            for folder in (lists, archives):
                (folder / "partial").mkdir(parents=True, exist_ok=True)
            _run(["apt-get", *options, "-qq", "update"], self._cache)
        return options

    def _closure(self, wanted: Sequence[str]) -> dict[str, str]:
        """Package to version. Scripts of installation, mail transports and the like are left out."""
        found: dict[str, str] = {}
        names = {*wanted, *BESIDE}
        while names:
            shown = self._shown(names)
            found |= {name: fields["Version"] for name, fields in shown.items()}
            needs = [fields.get(kind, "") for fields in shown.values() for kind in ("Pre-Depends", "Depends")]
            needed = {re.split(r"[ (:|]", need.strip())[0] for need in ",".join(needs).split(",")}
            names = {name for name in needed if name.startswith(("lib", "zlib"))} - set(found)
        absent = set(wanted) - set(found)
        if absent:
            raise NotToBeHad(f"Debian has no package {', '.join(sorted(absent))} here")
        return found

    def _shown(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """What apt says of these; an alternative that this release does not know is left out."""
        command = ["apt-cache", *self._options, "show", "--no-all-versions", *sorted(names)]
        told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        shown = [dict(re.findall(r"^([A-Z][\w-]*): (.*)$", part, re.MULTILINE)) for part in told.split("\n\n")]
        return {fields["Package"]: fields for fields in shown if fields}

    def _downloaded(self, packages: dict[str, str]) -> list[Path]:
        absent = [f"{name}={version}" for name, version in packages.items() if not self._file(name, version)]
        if absent:
            _run(["apt-get", *self._options, "-qq", "download", *absent], self._debs)
        files = [self._file(name, version) for name, version in packages.items()]
        return [file for file in files if file]

    def _file(self, name: str, version: str) -> Path | None:
        return next(self._debs.glob(f"{name}_{version.replace(':', '%3a')}_*.deb"), None)


def _unpack(files: Sequence[Path], root: Path) -> None:
    root.mkdir(parents=True)
    for file in files:
        _run(["dpkg-deb", "-x", str(file), str(root)], root)
    for name in MERGED:  # since Debian 13 packages hold usr/lib alone; the link is another package's
        if not (root / name).exists() and (root / "usr" / name).exists():
            (root / name).symlink_to(f"usr/{name}")
    for name in ("dev", "proc", "tmp", "etc", "var", "srv", "run"):
        (root / name).mkdir(exist_ok=True)


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotToBeHad(f"{' '.join(command[:4])} ...: {done.stderr.strip()[-500:]}")
