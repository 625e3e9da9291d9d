"""What the locks pin, and whether that is everything their packages ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

#: Of a package, what its metadata asks for.
Requires = Mapping[str, Sequence[Requirement]]

#: The promised Pythons. Some markers draw a line inside a version, so each is tried as its first and its last release.
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
_RELEASES = ("0", "99")
_MACHINES = (("linux", "Linux", "x86_64"), ("linux", "Linux", "aarch64"), ("darwin", "Darwin", "arm64"))


@dataclass(frozen=True)
class Wish:
    """A package together with its extras. To pip before 23.3, x, x[a] and x[a,b] are three packages."""

    name: str
    extras: frozenset[str] = frozenset()

    @classmethod
    def of(cls, requirement: Requirement) -> Wish:
        return cls(canonicalize_name(requirement.name), frozenset(map(canonicalize_name, requirement.extras)))

    def __str__(self) -> str:
        return f"{self.name}[{','.join(sorted(self.extras))}]" if self.extras else self.name


@dataclass(frozen=True)
class Pin:
    """One entry of a lock. The version is empty when the entry does not fix exactly one."""

    wish: Wish
    version: str
    marker: Marker | None
    hashes: tuple[str, ...]

    def applies(self, environment: dict[str, str]) -> bool:
        return self.marker is None or self.marker.evaluate(environment)


def read(lock: str) -> list[Pin]:
    """The entries of a lock's text, in its order."""
    lines = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", lock)).splitlines()
    return [_pin(line) for line in lines if line.strip() and not line.startswith("-")]


def _pin(line: str) -> Pin:
    text, *hashes = re.split(r"\s+--hash=", line.strip())
    requirement = Requirement(text)
    fixed = re.fullmatch(r"==([^*]+)", str(requirement.specifier))
    return Pin(Wish.of(requirement), fixed[1] if fixed else "", requirement.marker, tuple(hashes))


def environments() -> Iterator[dict[str, str]]:
    """What markers are evaluated against: each promised Python on each kind of machine."""
    for python in PYTHONS:
        for release in _RELEASES:
            for platform, system, machine in _MACHINES:
                yield {
                    "python_version": python,
                    "python_full_version": f"{python}.{release}",
                    "implementation_version": f"{python}.{release}",
                    "implementation_name": "cpython",
                    "platform_python_implementation": "CPython",
                    "os_name": "posix",
                    "sys_platform": platform,
                    "platform_system": system,
                    "platform_machine": machine,
                }


def unanswered(pins: Sequence[Pin], requires: Requires, environment: dict[str, str]) -> list[str]:
    """What the pinned packages ask for in this environment without a pin that reads the same and fits.

    Such a wish goes to the package index: what is published there tomorrow decides.
    """
    pinned = {pin.wish: pin.version for pin in pins if pin.applies(environment)}

    def answered(need: Requirement) -> bool:
        version = pinned.get(Wish.of(need))
        return bool(version and need.specifier.contains(version, prereleases=True))

    return [
        f"{wish} asks for {need}"
        for wish in pinned
        for need in _needs(wish, requires, environment)
        if not answered(need)
    ]


def asked_for(pins: Sequence[Pin], requires: Requires) -> set[Wish]:
    """Every wish of the pinned packages in any environment."""
    return {
        Wish.of(need)
        for environment in environments()
        for pin in pins
        if pin.applies(environment)
        for need in _needs(pin.wish, requires, environment)
    }


def _needs(wish: Wish, requires: Requires, environment: dict[str, str]) -> Iterable[Requirement]:
    if wish.extras:
        yield Requirement(wish.name)
    for need in requires.get(wish.name, ()):
        if need.marker is None or any(
            need.marker.evaluate({**environment, "extra": extra}) for extra in ("", *wish.extras)
        ):
            yield need


def requires_of(folders: Sequence[str]) -> dict[str, list[Requirement]]:
    """From the metadata of what is installed in these folders."""
    return {
        canonicalize_name(found.metadata["Name"]): [Requirement(text) for text in found.requires or ()]
        for found in distributions(path=list(folders))
    }
