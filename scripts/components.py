"""What the tests use beside Python: found, installed where that is possible, or named as missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts.bootstrap import ROOT, say

#: An ordinary user's PATH lacks the folders of servers.
SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])

#: The OpenID provider of the tests: its packages, locked with hashes, lie in its node_modules.
PROVIDER = ROOT / "tests" / "servers" / "provider"
PROVIDER_STAMP = PROVIDER / "node_modules" / "installed-package-lock.json"


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


def _has_provider() -> bool:
    return _has("node")() and PROVIDER_STAMP.exists() and PROVIDER_STAMP.read_bytes() == _provider_lock()


def _provider_lock() -> bytes:
    return (PROVIDER / "package-lock.json").read_bytes()


COMPONENTS = (
    Component("Dovecot", "dovecot", ("dovecot-imapd", "dovecot-pop3d"), _has("dovecot")),
    Component("PostgreSQL", "postgres", ("postgresql",), _has_postgresql),
    Component("Redis", "redis", ("redis-server",), _has("redis-server", "valkey-server")),
    Component("nginx", "nginx", ("nginx",), _has("nginx")),
    Component("Caddy", "caddy", ("caddy",), _has("caddy")),
    Component("promtool", "promtool", ("prometheus",), _has("promtool")),
    Component("Chromium", "browser", ("chromium",), _has("chromium", "chromium-browser", "google-chrome")),
    Component("The OpenID provider", "provider", ("nodejs", "npm"), _has_provider),
)


def missing() -> list[Component]:
    """After trying to install what is not there."""
    _npm_install()
    absent = [component for component in COMPONENTS if not component.present()]
    if absent and os.geteuid() == 0 and shutil.which("apt-get"):
        _apt_install([package for component in absent for package in component.packages])
        _npm_install()
    return [component for component in absent if not component.present()]


def _apt_install(packages: list[str]) -> None:
    say(f"Installing {' '.join(packages)} ...")
    # With this run level Debian starts none of the servers it installs: the tests start their own.
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (
        ["apt-get", "-qq", "update"],
        ["apt-get", "-qq", "install", "--yes", "--no-install-recommends", *packages],
    ):
        _run(command, env, ROOT)


def _npm_install() -> None:
    """What the lock file names, hashes checked; nothing when it is there or when there is no npm yet."""
    if _has_provider() or not (_has("node")() and _has("npm")()):
        return
    say("Installing the OpenID provider of the tests ...")
    if _run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], dict(os.environ), PROVIDER):
        PROVIDER_STAMP.write_bytes(_provider_lock())


def _run(command: list[str], env: dict[str, str], folder: Path) -> bool:
    done = subprocess.run(
        command, env=env, cwd=folder, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        say(f"{' '.join(command[:3])} failed:\n{done.stdout[-2000:]}")
    return done.returncode == 0
