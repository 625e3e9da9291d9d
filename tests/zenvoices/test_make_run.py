"""`make run` as a newcomer types it, and as it ends."""

from __future__ import annotations

import http.client
import imaplib
import json
import os
import selectors
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo.invoices import MAILBOX
from scripts.bootstrap import ROOT
from tests import migrated
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc"),
]
START_SECONDS = 120


class Launched:
    """One `make run`, or another target."""

    def __init__(
        self, data: Path, *, root: Path = ROOT, target: str = "run", umask: int = -1, **environment: str
    ) -> None:
        self.data = data
        self.port = environment.setdefault("PORT", str(free_port()))
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.process = subprocess.Popen(
            ["make", target, f"PYTHON={sys.executable}"],
            cwd=root,
            env={**kept, **environment, "DATA_DIR": str(data)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            umask=umask,
        )
        self.output = ""

    def read_until(self, text: str) -> str:
        """The output up to this text, which is to come before the command ends."""
        assert self.process.stdout
        deadline = time.monotonic() + START_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while text not in self.output:
                assert selector.select(deadline - time.monotonic()), self.output
                chunk = os.read(self.process.stdout.fileno(), 65536).decode()
                assert chunk, self.output
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


@pytest.fixture(scope="module")
def portal(data: Path) -> Iterator[Launched]:
    """One for all who only look at it. Its first start was killed in the middle of the migrations."""
    killed = Launched(data)
    killed.read_until("Preparing the database")
    os.kill(killed.launcher, signal.SIGKILL)
    killed.ended()
    launched = Launched(data)
    launched.read_until("Ctrl-C")
    yield launched
    stop(launched)


@pytest.fixture(scope="module")
def ran_before(portal: Launched, data: Path) -> Path:
    """The data of that one, which has ended."""
    stop(portal)
    return data


def stop(launched: Launched) -> None:
    """By SIGTERM to make; nothing is left behind."""
    if launched.process.poll() is not None:
        return
    family = launched.family()
    assert len(family) > 8
    launched.process.terminate()
    launched.ended()
    wait_until(lambda: not family & parents().keys())


def test_newcomer_gets_address_login_and_a_mailbox_with_unread_invoices_also_after_a_start_that_was_killed(
    portal: Launched, data: Path
):
    assert f"http://localhost:{portal.port}" in portal.output
    assert (data / "keys" / "DEMO_PASSWORD").read_text().strip() in portal.output
    status, body = get(portal.port, "/readyz")
    assert (status, set(json.loads(body).values())) == (200, {True})
    assert unread(data) == 13


def unread(data: Path) -> int:
    context = ssl.create_default_context(cafile=data / "demo-mail" / "tls" / "ca.pem")
    port = int((data / "demo-mail" / "port").read_text())
    with imaplib.IMAP4_SSL("127.0.0.1", port, ssl_context=context) as mailbox:
        mailbox.login(MAILBOX, (data / "keys" / "DEMO_MAILBOX_PASSWORD").read_text().strip())
        mailbox.select("INBOX", readonly=True)
        return len(mailbox.search(None, "UNSEEN")[1][0].split())


def test_nothing_that_it_keeps_is_open_to_others(portal: Launched, data: Path):
    """What everybody may read, static files, lies in a folder that nobody else enters."""
    kept = [data, *(path for path in data.rglob("*") if data / "static" not in path.parents)]
    assert [str(path) for path in kept if stat.S_IMODE(path.lstat().st_mode) & 0o077] == []
    for name in ("SECRET_KEY", "CREDENTIAL_KEYS", "DEMO_PASSWORD"):
        assert stat.S_IMODE((data / "keys" / name).stat().st_mode) == 0o600


def test_second_start_says_what_already_runs(portal: Launched, data: Path, tmp_path: Path):
    code, output = Launched(data).ended()
    assert code != 0
    assert f"already runs here: http://localhost:{portal.port}" in output
    assert get(portal.port, "/healthz")[0] == 200
    code, output = Launched(tmp_path, PORT=portal.port).ended()
    assert code != 0
    assert f"Port {portal.port} is in use" in output


@pytest.mark.parametrize("killed", ["make", "launcher"])
@pytest.mark.proof
def test_nothing_is_left_behind_by_what_was_killed(ran_before: Path, killed: str):
    launched = Launched(ran_before)
    launched.read_until("Ctrl-C")
    family = launched.family()
    assert len(family) > 8
    os.kill(launched.process.pid if killed == "make" else launched.launcher, signal.SIGKILL)
    wait_until(lambda: not family & parents().keys())
    launched.ended()


def test_crash_of_one_program_ends_all_with_the_end_of_its_log(ran_before: Path):
    launched = Launched(ran_before)
    launched.read_until("Ctrl-C")
    family = launched.family()
    servers = {pid for pid in family if b"gunicorn" in Path(f"/proc/{pid}/cmdline").read_bytes()}
    (web,) = (pid for pid in servers if parents()[pid] not in servers)  # the master: it replaces its workers
    os.kill(web, signal.SIGKILL)
    code, output = launched.ended()
    assert code != 0
    assert "web was killed by signal 9" in output
    assert "Listening at" in output
    wait_until(lambda: not family & parents().keys())


@pytest.mark.proof
def test_without_demo_it_says_how_to_begin_and_ctrl_c_leaves_nothing_behind(tmp_path: Path):
    migrated.copy_to(tmp_path / "portal.sqlite3")
    launched = Launched(tmp_path, DEMO="0")
    output = launched.read_until("Ctrl-C")
    family = launched.family()
    assert "create_administration" in output
    assert not (tmp_path / "demo-mail").exists()
    assert len(family) > 8
    os.killpg(launched.process.pid, signal.SIGINT)  # a terminal sends it to the whole group, and make counts on that
    launched.ended()
    wait_until(lambda: not family & parents().keys())


# --- Bad input: a sentence with cause and cure, no success, nothing that spoils the next try -------------


def checkout(folder: Path) -> Path:
    """The project without anything installed."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def refusal(launched: Launched) -> str:
    """What it said before make's own last line; no traceback."""
    code, output = launched.ended()
    assert code != 0
    assert "Traceback" not in output
    return output.partition("make: ***")[0].strip()


@pytest.mark.proof
def test_spaces_letters_umask_and_locale_do_not_matter(tmp_path: Path):
    """A locale of eight bits is made by ASCII: that needs no locale to be installed."""
    root = checkout(tmp_path / "de map é" / "zenvoices")
    (root / ".venv").symlink_to(ROOT / ".venv")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    launched = Launched(tmp_path / "mijn gegevens é", root=root, umask=0o077, **ascii_only)
    launched.read_until("Ctrl-C")
    try:
        status, body = get(launched.port, "/readyz")
        assert (status, set(json.loads(body).values())) == (200, {True})
        assert unread(launched.data) == 13
    finally:
        launched.process.terminate()
        launched.ended()


@pytest.mark.parametrize("python", ["python3.15", "/nowhere/python3"])
@pytest.mark.parametrize("target", ["run", "test", "lint", "bench"])
def test_python_that_is_not_there(python: str, target: str):
    done = subprocess.run(["make", target, f"PYTHON={python}"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"{python} does not run here: Python 3.11 or newer is needed. Install it" in done.stderr


def test_python_that_is_too_old():
    pretend = "import sys; sys.version_info = (3, 10, 13); import scripts.run"
    done = subprocess.run([sys.executable, "-c", pretend], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    sentence = f"Python 3.11 or newer is needed; {sys.executable} is 3.10. Try: make PYTHON=python3.12 ..."
    assert done.stderr.strip() == sentence


def reach(index: str, uv_in: Path | None = None) -> dict[str, str]:
    """Of an index that answers nobody; with uv where it is given a folder: pip takes seconds to be made ready."""
    reaching = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index, "PIP_RETRIES": "0", "UV_DEFAULT_INDEX": index}
    if uv_in is None:
        return reaching
    uv_in.mkdir()
    (uv_in / "uv").symlink_to(ROOT / ".venv" / "bin" / "uv")
    path = f"{uv_in}{os.pathsep}{os.environ['PATH']}"
    return reaching | {"PATH": path, "UV_HTTP_RETRIES": "0", "UV_NO_CACHE": "1"}


@pytest.mark.parametrize(
    ("target", "installer"), [pytest.param("run", "pip", marks=pytest.mark.proof), ("test", "uv"), ("lint", "uv")]
)
def test_no_network(tmp_path: Path, target: str, installer: str):
    root = checkout(tmp_path / "zenvoices")
    nowhere = reach("http://127.0.0.1:9/simple/", tmp_path / "uv" if installer == "uv" else None)
    launched = Launched(tmp_path / "data", root=root, target=target, **nowhere)
    assert "The package index was not reached. Go online, or name an index or proxy" in refusal(launched)


def test_interrupted_first_installation_begins_anew(tmp_path: Path):
    root = checkout(tmp_path / "zenvoices")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reaching = reach(f"http://127.0.0.1:{silent.getsockname()[1]}/simple/", tmp_path / "uv")
        launched = Launched(tmp_path / "data", root=root, **reaching)
        connection, _ = silent.accept()
        os.kill(launched.launcher, signal.SIGINT)
        connection.close()
        assert "Interrupted before the portal ran; the next try begins anew." in refusal(launched)
    again = Launched(tmp_path / "data", root=root, **reaching)
    assert "What is in .venv is half installed, or of another Python; starting afresh." in refusal(again)


def test_port_of_the_demo_mailbox_that_is_taken(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        (tmp_path / "demo-mail").mkdir()
        (tmp_path / "demo-mail" / "port").write_text(str(port))
        assert refusal(Launched(tmp_path)) == (
            f"Port {port} of the demo mailbox is in use by another program. End that, or use DEMO=0."
        )


def test_port_that_is_none(tmp_path: Path):
    sentence = "is no port number. Choose one from 1024 to 65535: make run PORT=8000"
    assert [refusal(Launched(tmp_path, PORT=port)) for port in ("http", "65536", "²")] == [
        f"PORT={port} {sentence}" for port in ("http", "65536", "²")
    ]


def test_data_dir_that_is_a_file(tmp_path: Path):
    (tmp_path / "file").touch()
    assert refusal(Launched(tmp_path / "file")) == (
        f"{tmp_path}/file is in the way: a folder is needed there. Move it, or use another folder, then try again."
    )
    assert refusal(Launched(tmp_path / "file" / "data")) == (
        f"A part of {tmp_path}/file/data is a file, not a folder. Move it, or use another folder, then try again."
    )


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Path]:
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting needs root; tests/zenvoices/test_reasons.py has the sentences")
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_full_disk(tmp_path: Path):
    with small_disk(tmp_path / "disk", "size=2m") as disk:
        sentence = refusal(Launched(disk / "data"))
        assert sentence == f"The disk that holds {disk}/data is full (2 MB are free). Make room, then try again."


def test_read_only_disk(tmp_path: Path):
    with small_disk(tmp_path / "disk", "ro") as disk:
        assert refusal(Launched(disk / "data")) == (
            f"{disk}/data lies on a read-only file system. Use a folder that can be written, then try again."
        )


def test_data_dir_of_somebody_else(tmp_path: Path):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere; tests/zenvoices/test_reasons.py has the sentence")
    (tmp_path / "theirs").mkdir(mode=0o500)
    assert f"This user may not write {tmp_path}/theirs/run.lock." in refusal(Launched(tmp_path / "theirs"))
