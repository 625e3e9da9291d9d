"""python -m tests.simulation --seed 7 --days 30: one history; the same numbers give the same one.

--wrong NAME (or list): with a wrong way to fetch put in, until a promise breaks; exits 0 when one did.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

import django
from django.conf import settings

import tests.environment  # noqa: F401 -- before Django reads its settings

os.environ["DJANGO_SETTINGS_MODULE"] = "zenvoices.settings"
django.setup()

from django.test.runner import DiscoverRunner  # noqa: E402

from tests import migrated  # noqa: E402
from tests.simulation.history import CALM, DAY, run  # noqa: E402
from tests.simulation.wrong import WRONG  # noqa: E402

TOLD = 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="make simulate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=float, default=7)
    parser.add_argument("--seeds", type=int, default=1, help="so many seeds, from --seed on")
    parser.add_argument("--calm", type=float, default=CALM / DAY, help="so many days follow in which nothing is wrong")
    parser.add_argument("--wrong", choices=[*WRONG, "list"])
    options = parser.parse_args()
    if options.wrong == "list":
        print("\n".join(WRONG))  # noqa: T201
        return 0
    seeds = range(options.seed, options.seed + options.seeds)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    migrated.begin_the_tests_database_with_it()
    runner = DiscoverRunner(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    try:
        if options.wrong:
            WRONG[options.wrong]()
            return 0 if any(_tell(seed, options.days, options.calm * DAY) for seed in seeds) else 1
        return max(_tell(seed, options.days, options.calm * DAY) for seed in seeds)
    finally:
        runner.teardown_databases(databases)


def _tell(seed: int, days: float, calm: float) -> int:
    """1 when a promise broke."""
    started = time.perf_counter()
    history = run(seed, days, calm)
    took = time.perf_counter() - started
    print(f"seed {seed}: {history.told()} ({took:.0f} s)", flush=True)  # noqa: T201
    for line in history.broken[:TOLD]:
        print(f"  BROKEN {line}", flush=True)  # noqa: T201
    return 1 if history.broken else 0


if __name__ == "__main__":
    sys.exit(main())
