"""Asks each page of a big office and counts: bench.lists starts it, with the settings of a portal."""

from __future__ import annotations

import argparse
import gzip
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import django

django.setup()

from django.db import connection
from django.test import Client

from bench.lists_pages import pages
from bench.lists_seed import Sizes, seed
from tests.channels.two_years import reads
from zenvoices.lib.database_roles import as_owner

ROUNDS: Final = 3


@dataclass
class Cost:
    """Of one page: statements, seconds until they were answered and of the database's processor, rows read there, bytes
    sent, and compressed."""

    queries: int = 0
    seconds: float = 0
    processor: float = 0
    rows: int = 0
    bytes: int = 0
    packed: int = 0
    slowest: tuple[float, str] = (0, "")


def cost_of(client: Client, url: str) -> Cost:
    """The median of the rounds, after one that is not counted."""
    rounds = [_asked(client, url) for _ in range(ROUNDS + 1)][1:]
    cost = sorted(rounds, key=lambda each: each.seconds)[ROUNDS // 2]
    cost.processor = statistics.median(each.processor for each in rounds)
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

    began = _processor_seconds()
    with connection.execute_wrapper(timed):
        answer = client.get(url)
    cost.processor = _processor_seconds() - began
    assert answer.status_code == 200, (url, answer.status_code)
    cost.bytes, cost.packed = len(answer.content), len(gzip.compress(answer.content))
    return cost


def _processor_seconds() -> float:
    """That the database's process for this connection took so far: other programs make it wait, not work."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (process,) = cursor.fetchone()
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9


def table(costs: dict[str, Cost]) -> str:
    lines = ["| page | queries | database ms | of it processor | rows read | KB | compressed |", f"|{' --- |' * 7}"]
    for name, cost in costs.items():
        figures = [cost.queries, 1000 * cost.seconds, 1000 * cost.processor, cost.rows]
        figures += [cost.bytes / 1000, cost.packed / 1000]
        lines.append(f"| {name} | {' | '.join(f'{figure:.0f}' for figure in figures)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.lists", description=__doc__)
    parser.add_argument("--documents", type=int, default=Sizes.documents)
    parser.add_argument("--slowest", action="store_true", help="tells the slowest statement of each page")
    parser.add_argument("only", nargs="*", metavar="PAGE", help="with this in its name")
    options = parser.parse_args()
    began, costs = time.monotonic(), dict[str, Cost]()
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef('search_by_trigrams'::regclass)")
        (made_by,) = cursor.fetchone()
        cursor.execute("DROP INDEX search_by_trigrams")  # to make it of all rows at once is quicker
    office = seed(Sizes(documents=options.documents))
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(made_by)
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
