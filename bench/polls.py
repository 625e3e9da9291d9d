"""Empty mailboxes: what a look costs, and how many a worker of 64 threads looks into."""

from __future__ import annotations

from bench.delay import delayed
from bench.ground import PASSWORD, Ground
from bench.measure import Run, contender
from bench.portal import Portal
from bench.report import Found

AWAY = 50  # ms
THREADS = 64
USERS = 100  # each is polled many times


def _poll(ground: Ground, portal: Portal, port: int, polls: int, threads: int, whole: bool) -> Run:
    users = [ground.user() for _ in range(min(USERS, polls))]
    task = {"port": port, "users": users, "password": PASSWORD, "polls": polls, "threads": threads, "whole": whole}
    return contender("polls", task, portal.environment)


def measure(ground: Ground, portal: Portal, polls: int) -> list[Found]:
    if not polls:
        return []
    found = Found("empty poll")
    with delayed(ground.dovecot.ports.imaps, AWAY) as port:
        alone = _poll(ground, portal, port, 10, 1, False)
        trips = alone.seconds / 10 / (AWAY / 1000)
        near = _poll(ground, portal, ground.dovecot.ports.imaps, 300, 1, False)
        run = _poll(ground, portal, ground.dovecot.ports.imaps, 300, 1, True)
        many = _poll(ground, portal, port, polls, THREADS, True)
    found.notes = [
        (f"round trips, at {AWAY} ms", f"{trips:.1f}"),
        ("CPU of a session", f"{near.cpu / 300 * 1000:.1f} ms"),
        ("CPU of a whole run, rows included", f"{run.cpu / 300 * 1000:.1f} ms"),
        (f"{polls} whole runs at {AWAY} ms, {THREADS} threads", f"{many.seconds:.1f} s"),
        ("peak memory of that", f"{many.peak / 1e6:.0f} MB"),
    ]
    found.right = all(one.result["failed"] == 0 for one in (alone, near, run, many))
    return [found]
