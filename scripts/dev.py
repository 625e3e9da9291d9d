"""`make dev`: `make run` for whoever works on the portal.

A change of a file reaches web, schedule and workers by itself, and an error shows its trace in the browser.
"""

from __future__ import annotations

import os
import sys

from scripts import run
from scripts.bootstrap import PYTHON


def portal(options: run.Options) -> run.Commands:
    reloader = [str(PYTHON), "-m", "scripts.reloader"]
    return {name: [*reloader, *command] for name, command in run.portal(options).items()}


def main() -> int:
    os.environ["DEBUG"] = "true"
    return run.main(portal)


if __name__ == "__main__":
    sys.exit(main())
