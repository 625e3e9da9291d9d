"""An operator command whose stdout takes nothing: a full disk, or a reader that is gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.portal import ROOT

SAYS = """
import django; django.setup()
from django.core.management import call_command
from zenvoices.lib.commands import OperatorCommand
class Command(OperatorCommand):
    name = "example"
    def handle(self, **options):
        self.say({"line": 1})
        raise AssertionError("it went on")
Command().run_from_argv(["manage.py", "example"])
"""


def told(stdout: int) -> tuple[int, list[tuple[str, str]]]:
    """The exit code, and what the log has: events with their reasons."""
    command = [sys.executable, "-c", SAYS]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "zenvoices.settings"}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=stdout, stderr=subprocess.PIPE, check=False)
    lines = map(json.loads, done.stderr.decode().splitlines())
    return done.returncode, [(line["event"], line["reason"]) for line in lines]


@pytest.mark.parametrize(
    ("where", "reason"), [("/dev/full", "No space left on device"), ("a pipe nobody reads", "Broken pipe")]
)
@pytest.mark.thorough
def test_command_whose_words_nobody_takes_says_so_and_ends(where: str, reason: str) -> None:
    if Path(where).exists():
        taken = os.open(where, os.O_WRONLY)
    else:
        reads, taken = os.pipe()
        os.close(reads)
    try:
        assert told(taken) == (1, [("what the command says could not be written", reason)])
    finally:
        os.close(taken)
