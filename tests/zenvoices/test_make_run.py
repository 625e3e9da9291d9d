"""`make run` as a newcomer types it, and as it ends."""

from __future__ import annotations

import http.client
import imaplib
import json
import os
import selectors
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.mailbox_server import USER
from scripts.bootstrap import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc"),
]
START_SECONDS = 120


class Launched:
    """One `make run`."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.port = environment.setdefault("PORT", str(free_port()))
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.process = subprocess.Popen(
            ["make", "run", f"PYTHON={sys.executable}"],
            cwd=ROOT,
            env={**kept, **environment, "DATA_DIR": str(data)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.output = ""

    def read_until(self, text: str) -> str:
        """The output up to this text, or all of it when the command ends before."""
        assert self.process.stdout
        deadline = time.monotonic() + START_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while text not in self.output:
                assert selector.select(deadline - time.monotonic()), self.output
                chunk = os.read(self.process.stdout.fileno(), 65536).decode()
                if not chunk:
                    break
                self.output += chunk
        return self.output

    def ended(self) -> tuple[int, str]:
        """Exit code and output, once it has ended by itself."""
        self.output += self.process.communicate(timeout=START_SECONDS)[0]
        return self.process.returncode, self.output

    @property
    def launcher(self) -> int:
        return int((self.data / "run.lock").read_text().split()[0])

    def family(self) -> set[int]:
        return descendants(self.process.pid) | {self.process.pid}


def parents() -> dict[int, int]:
    """pid: parent's pid, of every process that is no zombie."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = entry.read_text().rsplit(")", 1)[1].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z":
            found[int(entry.parent.name)] = int(parent)
    return found


def descendants(pid: int) -> set[int]:
    tree = parents()
    found: set[int] = set()
    while more := {child for child, parent in tree.items() if parent in found | {pid}} - found:
        found |= more
    return found


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def get(port: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if not (ROOT / ".venv" / "installed-requirements.txt.sha256").exists():
        pytest.skip("make run would install .venv first; make test has it")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("portal") / "deep" / ("x" * 120)  # deeper than a socket's path may be


@pytest.fixture
def portal(data: Path) -> Iterator[Launched]:
    launched = Launched(data)
    launched.read_until("Ctrl-C")
    yield launched
    family = launched.family()
    launched.process.terminate()
    launched.ended()
    assert wait_for(lambda: not family & parents().keys())


def test_newcomer_gets_address_login_and_a_mailbox_with_unread_invoices(portal: Launched, data: Path):
    assert f"http://localhost:{portal.port}" in portal.output
    assert (data / "keys" / "DEMO_PASSWORD").read_text().strip() in portal.output
    status, body = get(portal.port, "/readyz")
    assert (status, set(json.loads(body).values())) == (200, {True})
    assert unread(data) == 13


def unread(data: Path) -> int:
    context = ssl.create_default_context(cafile=data / "demo-mail" / "tls" / "ca.pem")
    port = int((data / "demo-mail" / "port").read_text())
    with imaplib.IMAP4_SSL("127.0.0.1", port, ssl_context=context) as mailbox:
        mailbox.login(USER, (data / "keys" / "DEMO_MAILBOX_PASSWORD").read_text().strip())
        mailbox.select("INBOX", readonly=True)
        return len(mailbox.search(None, "UNSEEN")[1][0].split())


def test_keys_are_readable_by_their_owner_only(portal: Launched, data: Path):
    for name in ("SECRET_KEY", "CREDENTIAL_KEYS", "DEMO_PASSWORD"):
        assert stat.S_IMODE((data / "keys" / name).stat().st_mode) == 0o600


def test_second_start_on_the_same_data_says_so(portal: Launched, data: Path):
    code, output = Launched(data).ended()
    assert code != 0
    assert f"already runs here: http://localhost:{portal.port}" in output
    assert get(portal.port, "/healthz")[0] == 200


def test_taken_port_says_so(portal: Launched, tmp_path: Path):
    code, output = Launched(tmp_path, PORT=portal.port).ended()
    assert code != 0
    assert f"Port {portal.port} is in use" in output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("target", ["make", "launcher"])
def test_nothing_is_left_behind(data: Path, number: signal.Signals, target: str):
    launched = Launched(data)
    launched.read_until("Ctrl-C")
    family = launched.family()
    assert len(family) > 8
    if (target, number) == ("make", signal.SIGINT):
        os.killpg(launched.process.pid, number)  # a terminal sends Ctrl-C to the whole group, and make counts on that
    else:
        os.kill(launched.process.pid if target == "make" else launched.launcher, number)
    assert wait_for(lambda: not family & parents().keys())
    launched.ended()


def test_crash_of_one_program_ends_all_with_the_end_of_its_log(data: Path):
    launched = Launched(data)
    launched.read_until("Ctrl-C")
    family = launched.family()
    servers = {pid for pid in family if b"gunicorn" in Path(f"/proc/{pid}/cmdline").read_bytes()}
    (web,) = (pid for pid in servers if parents()[pid] not in servers)  # the master: it replaces its workers
    os.kill(web, signal.SIGKILL)
    code, output = launched.ended()
    assert code != 0
    assert "web was killed by signal 9" in output
    assert "Listening at" in output
    assert wait_for(lambda: not family & parents().keys())


def test_without_demo_it_says_how_to_begin(tmp_path: Path):
    launched = Launched(tmp_path, DEMO="0")
    output = launched.read_until("Ctrl-C")
    family = launched.family()
    assert "create_administration" in output
    assert not (tmp_path / "demo-mail").exists()
    launched.process.terminate()
    launched.ended()
    assert wait_for(lambda: not family & parents().keys())
