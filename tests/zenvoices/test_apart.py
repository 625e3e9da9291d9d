"""A process of its own for what may be hostile: what it costs, what it can see, and that it never stays behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from zenvoices.lib import apart
from zenvoices.lib.apart import NoProcess, NotDone, Pool, Region

pytestmark = [pytest.mark.slow, pytest.mark.guard]

MODULE = "tests.zenvoices.misbehaving"
DATA = bytes(range(256)) * 40


@pytest.fixture
def pool() -> Iterator[Pool]:
    one = Pool(MODULE, processes=1)
    yield one
    one.close()


def call(pool: Pool, function: str, seconds: float = 5, data: bytes = DATA, **arguments: Any) -> tuple[Any, bytes]:
    with ExitStack() as files:
        source, target = (files.enter_context(tempfile.TemporaryFile()) for _ in range(2))
        source.write(b"before" + data + b"behind")
        source.flush()
        result = pool.call(function, Region(source, 6, len(data)), target, seconds, **arguments)
        target.seek(0)
        return result, target.read()


@contextmanager
def watched(process: int) -> Iterator[Callable[[], bool]]:
    """Whether this process ends within the time that the test allows."""
    handle = os.pidfd_open(process)
    try:
        yield lambda: select.select([handle], [], [], 10)[0] == [handle]
    finally:
        os.close(handle)


def test_function_reads_its_stretch_and_writes_its_file(pool: Pool) -> None:
    result, written = call(pool, "copy", times=2)

    assert (result["written"], written) == (2 * len(DATA), DATA * 2)


def test_process_is_started_once_and_is_another(pool: Pool) -> None:
    first, second = (call(pool, "copy")[0]["process"] for _ in range(2))

    assert first == second != os.getpid()


def test_process_has_nothing_of_ours(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable but where programs lie; no file but the two of this call, its line and what ties it to us."""
    monkeypatch.setenv("CREDENTIAL_KEYS", "secret")
    with open(__file__, "rb") as ours:
        os.set_inheritable(ours.fileno(), True)
        seen, _ = call(pool, "surroundings")

    assert set(seen["environment"]) <= {"PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_CTYPE"}
    assert [name for name in seen["files"] if not name.endswith("(deleted)")] == [*["/dev/null"] * 3, "pipe", "socket"]
    assert len(seen["files"]) == 7


@pytest.mark.parametrize(
    ("function", "seconds", "why"),
    [
        ("eat", 10, "memory"),
        ("loop", 0.2, "time"),
        ("never_back_to_python", 0.2, "time"),
        ("crash", 5, "killed"),
        ("talk_without_end", 5, "killed"),
        ("mistake", 5, "IndexError"),
    ],
)
def test_hostile_call_is_told_and_the_next_is_served(pool: Pool, function: str, seconds: float, why: str) -> None:
    process = call(pool, "copy")[0]["process"]
    with pytest.raises(NotDone) as caught:
        call(pool, function, seconds)
    after, written = call(pool, "copy")

    assert (caught.value.why, written) == (why, DATA)
    assert (after["process"] == process) is (why == "IndexError")
    assert Path(f"/proc/{process}").exists() is (why == "IndexError")


def test_call_that_waits_for_ever_is_ended_by_the_clock(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "PATIENCE_SECONDS", -0.9)  # of ours; the process keeps its own
    process = call(pool, "copy")[0]["process"]
    with pytest.raises(NotDone) as caught:
        call(pool, "sleep", 0.1)

    assert (caught.value.why, Path(f"/proc/{process}").exists()) == ("time", False)


def test_full_disk_is_our_machine_and_not_the_function(pool: Pool) -> None:
    with pytest.raises(OSError, match="space"):
        call(pool, "full_disk")

    assert call(pool, "copy")[1] == DATA


def test_process_that_died_while_it_waited_is_nobodys_fault(pool: Pool) -> None:
    process = call(pool, "copy")[0]["process"]
    with watched(process) as ended:
        os.kill(process, signal.SIGKILL)
        assert ended()

    assert call(pool, "copy")[0]["process"] != process


def test_process_that_cannot_start_is_our_machine() -> None:
    with pytest.raises(NoProcess):
        call(Pool("tests.zenvoices.no_such_module"), "copy")


def test_threads_share_the_processes() -> None:
    pool = Pool(MODULE, processes=2)
    with ThreadPoolExecutor(8) as threads:
        seen = list(threads.map(lambda n: call(pool, "copy", data=b"%d" % n * 1_000), range(40)))
    pool.close()

    assert [written for _, written in seen] == [b"%d" % n * 1_000 for n in range(40)]
    assert len({result["process"] for result, _ in seen}) <= 2


def test_process_is_replaced_when_it_has_used_much_memory(pool: Pool) -> None:
    process, _ = call(pool, "grow")

    assert call(pool, "copy")[0]["process"] != process


def test_forked_child_starts_its_own(pool: Pool) -> None:
    ours = call(pool, "copy")[0]["process"]
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.write(write, str(call(pool, "copy")[0]["process"]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = int(os.read(read, 100))
    os.close(read)
    os.close(write)

    assert call(pool, "copy")[0]["process"] == ours != theirs


OWNER = f"""
import os, sys, tempfile, threading
from zenvoices.lib.apart import Pool, Region
pool = Pool({MODULE!r})
read, write = os.pipe()
def call(function):
    with tempfile.TemporaryFile() as source, os.fdopen(os.dup(write), "wb") as target:
        return pool.call(function, Region(source, 0, 0), target, 60)
process = call("copy")["process"]
if sys.argv[1] == "busy":
    threading.Thread(target=call, args=["never_back_to_python"], daemon=True).start()
    os.read(read, 1)
print(process, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("doing", ["waiting", "busy"])
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, None])
def test_process_ends_with_its_owner_however_that_ends(doing: str, end: signal.Signals | None) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, doing], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with owner:
        assert owner.stdin
        assert owner.stdout
        process = int(owner.stdout.readline())
        with watched(process) as ended:
            if end:
                owner.send_signal(end)
            else:
                owner.stdin.close()
            owner.wait()

            assert ended()
