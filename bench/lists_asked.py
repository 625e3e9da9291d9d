"""Asks each page of a big office and counts: bench.lists starts it, with the settings of a portal."""

from __future__ import annotations

import argparse
import gzip
import sys
import time
from dataclasses import dataclass
from typing import Any, Final

import django

django.setup()

from django.db import connection
from django.test import Client

from bench.lists_pages import pages
from bench.lists_seed import Sizes, seed
from tests.channels.two_years import reads
from zenvoices.lib.database_roles import as_owner

ROUNDS: Final = 5


@dataclass
class Cost:
    """Of one page: statements, seconds in the database, rows read there, bytes sent, and compressed."""

    queries: int = 0
    seconds: float = 0
    rows: int = 0
    bytes: int = 0
    packed: int = 0
    slowest: tuple[float, str] = (0, "")


def cost_of(client: Client, url: str) -> Cost:
    """The median round by its seconds, after one that is not counted."""
    rounds = sorted((_asked(client, url) for _ in range(ROUNDS + 1)), key=lambda cost: cost.seconds)
    cost = rounds[ROUNDS // 2]
    with reads() as found:
        client.get(url)
    cost.rows = sum(found.values())
    return cost


def _asked(client: Client, url: str) -> Cost:
    cost = Cost()

    def timed(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            took = time.perf_counter() - began
            cost.queries += 1
            cost.seconds += took
            cost.slowest = max(cost.slowest, (took, sql))

    with connection.execute_wrapper(timed):
        answer = client.get(url)
    assert answer.status_code == 200, (url, answer.status_code)
    cost.bytes, cost.packed = len(answer.content), len(gzip.compress(answer.content))
    return cost


def table(costs: dict[str, Cost]) -> str:
    lines = ["| page | queries | database ms | rows read | KB | compressed |", "| --- | --- | --- | --- | --- | --- |"]
    for name, cost in costs.items():
        ms, sizes = f"{1000 * cost.seconds:.0f}", [f"{size / 1000:.0f}" for size in (cost.bytes, cost.packed)]
        lines.append(f"| {name} | {cost.queries} | {ms} | {cost.rows} | {' | '.join(sizes)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.lists", description=__doc__)
    parser.add_argument("--documents", type=int, default=Sizes.documents)
    parser.add_argument("--slowest", action="store_true", help="tells the slowest statement of each page")
    parser.add_argument("only", nargs="*", metavar="PAGE", help="with this in its name")
    options = parser.parse_args()
    began, costs = time.monotonic(), dict[str, Cost]()
    office = seed(Sizes(documents=options.documents))
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    print(f"seeded in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    for name, (client, url) in pages(office).items():
        if not options.only or any(part in name for part in options.only):
            costs[name] = cost_of(client, url)
            print(name, file=sys.stderr, flush=True)
            if options.slowest:
                print("    {:.3f} s: {}".format(*costs[name].slowest), file=sys.stderr)
    print(table(costs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
