"""The tests that meet a database, on the lowest PostgreSQL that we take and on the one of compose: make databases

`make test` uses the version that the machine has. Arguments are pytest's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from scripts.bootstrap import ROOT, say
from scripts.test import MEETS_POSTGRESQL

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"
LOCK = HERE / "package-lock.json"
STAMP = MODULES / "installed-package-lock.json"


def main(arguments: list[str]) -> int:
    install()
    codes = []
    for folder in sorted(MODULES.glob("postgresql-*")):
        programs = folder / "native" / "bin"
        said = subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, text=True).stdout
        say(f"\n--- {said.strip()}")
        spread = ["-n", "auto", "--dist", "loadfile"]
        tests = [sys.executable, "-m", "pytest", "-q", "-m", MEETS_POSTGRESQL, *spread, *arguments]
        command = [sys.executable, "-m", "tests.servers.postgresql", *tests]
        environment = os.environ | {"POSTGRESQL_PROGRAMS": str(programs)}
        codes.append(subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode)
    return max(codes)


def install() -> None:
    """What the lock names, hashes checked. Its libraries are links, which an npm package cannot hold."""
    if STAMP.exists() and STAMP.read_bytes() == LOCK.read_bytes():
        return
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=HERE, check=True)
    for folder in MODULES.glob("postgresql-*"):
        subprocess.run(["node", "scripts/hydrate-symlinks.js"], cwd=folder, check=True)
    STAMP.write_bytes(LOCK.read_bytes())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
