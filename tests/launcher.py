"""Runs manage.py in processes forked from this one, which has loaded the libraries: half a second less for each.

    python -m tests.launcher

A line of JSON on stdin says words, environment, and the files for stdout and stderr; the answer is the exit code.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
from importlib import import_module
from typing import Any

PATIENCE = 120  # seconds
#: What no setting of the portal changes: the settings themselves are read after the fork.
LIBRARIES = (
    "PIL.Image", "asgiref.sync", "celery.app.base", "cryptography.hazmat.primitives.ciphers.aead",
    "defusedxml.ElementTree", "django.contrib.staticfiles", "django.core.management", "django.db.backends.sqlite3.base",
    "django.db.models", "django.forms", "django.http", "django.template", "django.test", "django.urls", "environ",
    "imapclient", "kombu.entity", "poplib", "psycopg", "pypdfium2", "redis", "structlog",
)  # fmt: skip


def main() -> None:
    for library in LIBRARIES:
        import_module(library)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            become(**json.loads(line))
            return
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


def become(words: list[str], environment: dict[str, str], files: list[str]) -> Any:
    """`python manage.py words`: its SystemExit ends this process as it ends that one."""
    signal.alarm(PATIENCE)
    os.environ.clear()
    os.environ.update(environment)
    for number, name in enumerate((os.devnull, *files)):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
    sys.argv = ["manage.py", *words]
    runpy.run_path("manage.py", run_name="__main__")


if __name__ == "__main__":
    main()
