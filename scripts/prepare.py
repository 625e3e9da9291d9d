"""Migrates, collects the static files and seeds the demo, in one process: Django is imported once."""

from __future__ import annotations

import os

import django
from django.core.management import call_command


def main() -> None:
    django.setup()
    call_command("migrate", interactive=False, verbosity=1, skip_checks=False)
    call_command("collectstatic", interactive=False, verbosity=0)
    if os.environ.get("DEMO") == "1":
        from demo.seed import seed  # noqa: PLC0415 -- imports models, which need the line django.setup()

        seed()


if __name__ == "__main__":
    main()
