"""What bench.scale looks at from outside: processor and memory of each part, and rows, as PostgreSQL's superuser."""

from __future__ import annotations

import math
import os
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import psycopg

from bench.measure import anonymous, tree
from bench.scale_figures import Cost, Harm, Slot
from bench.scale_portal import LARGE, Portal, counts_statements
from tests.servers.postgresql import ROLE

HALF_HOUR: Final = 1800
#: seconds between two looks
EVERY: Final = 1.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")
#: Slots of a window that begins at a whole second: each channel's own second of the half hour.
_DUE: Final = """
    WITH due AS (
        SELECT channel_id, moment FROM (
            SELECT channel_id, %(since)s + (second - %(since)s %% 1800 + 1800) %% 1800 AS moment FROM bench_slots
        ) AS one WHERE moment < %(until)s
    )
"""
#: and the first run from then on that worked
_SLOTS: Final = f"""
    {_DUE}
    SELECT moment::float, (
        SELECT min(extract(epoch FROM finished_at)) FROM channels_fetchrun AS run
        WHERE run.channel_id = due.channel_id AND outcome IN ('succeeded', 'warning')
        AND queued_at >= to_timestamp(moment)
    )::float
    FROM due
"""  # noqa: S608 -- our own words, here and below
_LOST: Final = f"""
    {_DUE}
    SELECT count(*) FROM due WHERE 1 <> (
        SELECT count(*) FROM channels_fetchrun AS run
        WHERE run.channel_id = due.channel_id AND slot = to_timestamp(moment)
    )
"""  # noqa: S608
#: by the role that serves
_ASKED: Final = "pg_stat_statements WHERE userid = (SELECT oid FROM pg_roles WHERE rolname = %(role)s)"
_OWN_SECOND: Final = "to_timestamp(floor((extract(epoch FROM now()) - second) / 1800) * 1800 + second + 1800)"


class Watch(threading.Thread):
    """Adds up while it runs: a process that ended keeps what it used, one that came later is counted from its start."""

    def __init__(self, portal: Portal) -> None:
        super().__init__(daemon=True)
        self._portal, self._over = portal, threading.Event()
        self._known: dict[int, float] = {}
        self._processor: Counter[str] = Counter()
        self._memory: dict[str, int] = defaultdict(int)
        if counts_statements():
            ask(portal, "SELECT pg_stat_statements_reset()")
        self._look(first=True)
        self._statements, self._server = statements(portal), portal.database.pid

    def run(self) -> None:
        while not self._over.wait(EVERY):
            self._look()

    def stop(self) -> Cost:
        self._over.set()
        self.join()
        self._look()
        after, before = statements(self._portal), self._statements
        has_forgotten = self._portal.database.pid != self._server  # one that died keeps no count
        unknown = after is None or before is None or has_forgotten
        return Cost(dict(self._processor), dict(self._memory), None if unknown else after - before)

    def _look(self, *, first: bool = False) -> None:
        for part, pid in self._parts():
            processes = list(tree(pid))
            used = sum(map(_processor_seconds, processes))
            if not first:
                self._processor[part] += max(0.0, used - self._known.get(pid, 0.0))
            self._known[pid] = max(used, self._known.get(pid, 0.0))
            one = "worker" if part == "workers" else part
            self._memory[one] = max(self._memory[one], sum(map(anonymous, processes)))

    def _parts(self) -> list[tuple[str, int]]:
        named = {"checks": "scheduler", "beat": "beat", "documents": "documents"}
        found = [(named.get(name, "workers"), process.pid) for name, process in list(self._portal.programs.items())]
        found += [("servers", process.pid) for process in self._portal.servers]
        if self._portal.broker.process:
            found.append(("broker", self._portal.broker.process.pid))
        return [*found, ("database", self._portal.database.pid)]


def _processor_seconds(pid: int) -> float:
    """Of the process, and of its children that ended (proc(5))."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS


def ask(portal: Portal, question: str, **values: Any) -> list[Any]:
    known = urlsplit(portal.database.admin_url)._replace(path=f"/{ROLE}").geturl()
    with psycopg.connect(known, autocommit=True) as connection:
        cursor = connection.execute(question, values or None)
        return cursor.fetchall() if cursor.description else []


def statements(portal: Portal) -> int | None:
    """That the serving role has asked since the server began, BEGIN and COMMIT too; None where nobody counts."""
    if not counts_statements():
        return None
    ((calls,),) = ask(portal, f"SELECT sum(calls)::bigint FROM {_ASKED}", role=ROLE)  # noqa: S608
    return calls or 0


def slowest(portal: Portal, most: int = 12) -> list[tuple[float, int, str]]:
    """Statements that took the longest in all: seconds, calls, words."""
    told = "total_exec_time / 1000, calls, regexp_replace(query, '\\s+', ' ', 'g')"
    most_first = f"SELECT {told} FROM {_ASKED} ORDER BY total_exec_time DESC LIMIT %(most)s"  # noqa: S608
    return ask(portal, most_first, role=ROLE, most=most)


def note_slots(portal: Portal) -> None:
    """`bench_slots`: the second of each channel in its half hour, as channels.fetching.schedule has it."""
    if counts_statements():
        ask(portal, "CREATE EXTENSION pg_stat_statements")
    ids: list[UUID] = [key for (key,) in ask(portal, "SELECT id FROM channels_channel WHERE state = 'active'")]
    ask(portal, "CREATE TABLE bench_slots AS SELECT * FROM"
                " unnest(%(ids)s::uuid[], %(seconds)s::int[]) AS one (channel_id, second)",
        ids=ids, seconds=[key.int % HALF_HOUR for key in ids])  # fmt: skip
    ask(portal, "ALTER TABLE bench_slots ADD PRIMARY KEY (channel_id)")


def rest(portal: Portal, due: int | None = None) -> None:
    """Nobody fetches, nothing is late. `due`: so many channels are due now and the others tomorrow."""
    free = "lease_until = NULL, lease_owner = '', failures = 0, failing_since = NULL, error_code = '', state = 'active'"
    of_each = f"next_fetch_at = {_OWN_SECOND} FROM bench_slots AS slot WHERE slot.channel_id = id"
    ask(portal, f"UPDATE channels_channel SET {free}, {of_each}")  # noqa: S608
    if due is not None:
        ask(portal, "UPDATE channels_channel SET next_fetch_at = CASE WHEN id IN (SELECT channel_id FROM bench_slots"
                    " ORDER BY channel_id LIMIT %(due)s) THEN now() ELSE now() + interval '1 day' END"
                    " WHERE next_fetch_at IS NOT NULL", due=due)  # fmt: skip
    ask(portal, "UPDATE channels_channel SET state = 'inactive', next_fetch_at = NULL WHERE host = %(host)s",
        host=LARGE)  # fmt: skip
    ask(portal, "DELETE FROM channels_fetchrun WHERE finished_at IS NULL")
    ask(portal, "VACUUM ANALYZE")


def import_begins(portal: Portal) -> None:
    ask(portal, "UPDATE channels_channel SET state = 'active', next_fetch_at = now() WHERE host = %(host)s", host=LARGE)


def mails(portal: Portal) -> int:
    ((found,),) = ask(portal, "SELECT count(*) FROM channels_receivedmail")
    return int(found)


def finished_since(portal: Portal, moment: float) -> list[float]:
    rows = ask(portal, "SELECT extract(epoch FROM finished_at)::float FROM channels_fetchrun"
                       " WHERE finished_at >= to_timestamp(%(moment)s)", moment=moment)  # fmt: skip
    return [finished for (finished,) in rows]


def slots(portal: Portal, since: float, until: float) -> list[Slot]:
    return [Slot(*row) for row in ask(portal, _SLOTS, since=math.floor(since), until=math.floor(until))]


def harm(portal: Portal, since: float, until: float) -> Harm:
    bounds = {"since": math.floor(since), "until": math.floor(until)}
    ((lost,),) = ask(portal, _LOST, **bounds)
    ((left_open, interrupted),) = ask(
        portal, "SELECT count(*) FILTER (WHERE finished_at IS NULL),"
                " count(*) FILTER (WHERE run.error_code = 'interrupted')"
                " FROM channels_fetchrun run JOIN channels_channel channel ON channel.id = run.channel_id"
                " WHERE run.queued_at BETWEEN to_timestamp(%(since)s) AND to_timestamp(%(until)s)"
                " AND channel.host <> %(host)s", host=LARGE, **bounds)  # fmt: skip
    ((strikes,),) = ask(portal, "SELECT sum(failures + (state <> 'active')::int) FROM channels_channel"
                                " WHERE host <> %(host)s", host=LARGE)  # fmt: skip
    return Harm(lost, left_open, interrupted, strikes)


def wait_for(portal: Portal, since: float, until: float, seconds: float) -> None:
    """Until every slot of the window was fetched, so long at most."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(slot.fetched is None for slot in slots(portal, since, until)):
        time.sleep(5)


def sessions(portal: Portal, since: float, until: float) -> list[tuple[str, float, float]]:
    """That the mail servers saw begin: host, begin, end."""
    rows = [line.split() for file in portal.folder.glob("sessions-*") for line in file.read_text().splitlines()]
    seen = [(host, float(began), float(ended)) for host, began, ended in rows]
    return [one for one in seen if since <= one[1] < until]
