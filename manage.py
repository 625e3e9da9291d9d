#!/usr/bin/env python
"""Django's command-line entry. Settings that cannot be used are told one a line, without a trace."""

import json
import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

from zenvoices.lib.environment import SettingsProblem


def refuse(problem: SettingsProblem, command: str) -> None:
    """In words on stderr; an operator command says it on stdout as it says everything."""
    sys.stderr.write(f"{problem}\n")
    lines: list[dict[str, object]] = []
    if command == "doctor":
        lines = [
            {"part": "settings", "ok": False, "text": f"{one.name} {one.what}.", "next": one.cure}
            for one in problem.problems
        ]
    elif any(Path(__file__).parent.glob(f"*/management/commands/{command}.py")):
        lines = [{"error": {"code": "settings", "text": str(problem)}}]
    for line in lines:
        sys.stdout.write(f"{json.dumps(line)}\n")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zenvoices.settings")
    try:
        execute_from_command_line(sys.argv)
    except SettingsProblem as problem:
        refuse(problem, sys.argv[1] if len(sys.argv) > 1 else "")
        sys.exit(1)
