"""What the tests use beside Python: found, installed where that is possible, or named as missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts.bootstrap import say

#: An ordinary user's PATH lacks the folders of servers.
SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])


@dataclass(frozen=True)
class Component:
    name: str
    marker: str  #: pytest's marker of the tests that need it
    packages: tuple[str, ...]  #: on Debian and Ubuntu
    present: Callable[[], bool]

    @property
    def hint(self) -> str:
        return f"apt-get install {' '.join(self.packages)}"


def _has(*programs: str) -> Callable[[], bool]:
    return lambda: any(shutil.which(program, path=SEARCH) for program in programs)


def _has_postgresql() -> bool:
    return any(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or _has("initdb")()


COMPONENTS = (
    Component("Dovecot", "dovecot", ("dovecot-imapd", "dovecot-pop3d"), _has("dovecot")),
    Component("PostgreSQL", "postgres", ("postgresql",), _has_postgresql),
    Component("Redis", "redis", ("redis-server",), _has("redis-server", "valkey-server")),
    Component("Chromium", "browser", ("chromium",), _has("chromium", "chromium-browser", "google-chrome")),
)


def missing() -> list[Component]:
    """After trying to install what is not there."""
    absent = [component for component in COMPONENTS if not component.present()]
    if absent and os.geteuid() == 0 and shutil.which("apt-get"):
        _apt_install([package for component in absent for package in component.packages])
    return [component for component in absent if not component.present()]


def _apt_install(packages: list[str]) -> None:
    say(f"Installing {' '.join(packages)} ...")
    # With this run level Debian starts none of the servers it installs: the tests start their own.
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (
        ["apt-get", "-qq", "update"],
        ["apt-get", "-qq", "install", "--yes", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(
            command, env=env, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode:
            say(f"{' '.join(command[:3])} failed:\n{done.stdout[-2000:]}")
