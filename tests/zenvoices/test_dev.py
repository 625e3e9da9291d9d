"""`make dev` in a copy of the portal, whose files are changed while it runs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

import pytest

from scripts.bootstrap import ROOT
from tests.zenvoices import test_make_run
from tests.zenvoices.test_make_run import Launched, checkout, get, installed, parents, wait_for

pytestmark = [*test_make_run.pytestmark, pytest.mark.usefixtures(installed.__name__)]
PROGRAMS = ("web", "beat", "worker-fetch", "worker-checks", "worker-documents")
SAYS_SO = 'print("this is the new code", flush=True)\n'
BREAKS = 'urlpatterns += [path("breaks", lambda request: 1 / 0)]\n'
PATIENCE = 120  # seconds


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copied = checkout(tmp_path_factory.mktemp("portal") / "copy")
    (copied / ".venv").symlink_to(ROOT / ".venv")
    return copied


@contextmanager
def running(data: Path, target: str, root: Path = ROOT) -> Iterator[Launched]:
    """Until Ctrl-C, which a terminal sends to the whole group; nothing is left behind."""
    launched = Launched(data, target=target, root=root, DEMO="0")  # two that begin at once choose the same mail port
    try:
        launched.read_until("Ctrl-C")
        yield launched
    finally:
        family = launched.family()
        os.killpg(launched.process.pid, signal.SIGINT)
        launched.ended()
    assert wait_for(lambda: not family & parents().keys())


@pytest.fixture(scope="module")
def dev(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    with running(tmp_path_factory.mktemp("data"), "dev", copy) as launched:
        yield launched


def append(file: Path, text: str) -> None:
    file.write_text(f"{file.read_text()}\n{text}")


def times_said(dev: Launched, text: str) -> dict[str, int]:
    logs = {name: dev.data / "logs" / f"{name}.log" for name in PROGRAMS}
    return {name: log.read_text().count(text) for name, log in logs.items()}


def serves(dev: Launched, path: str, status: int, text: str) -> bool:
    """False also while the server starts anew."""
    try:
        answered, body = get(dev.port, path)
    except (OSError, HTTPException):
        return False
    return answered == status and text in body.decode()


def test_changed_file_reaches_web_schedule_and_workers(dev: Launched, copy: Path) -> None:
    append(copy / "zenvoices" / "celery.py", SAYS_SO)
    assert wait_for(lambda: 0 not in times_said(dev, "this is the new code").values(), PATIENCE)
    assert wait_for(lambda: serves(dev, "/readyz", 200, "true"), PATIENCE)


def test_changed_template_is_served(dev: Launched, copy: Path) -> None:
    base = copy / "templates" / "base.html"
    base.write_text(base.read_text().replace("</body>", "<p>the new template</p></body>"))
    assert wait_for(lambda: serves(dev, "/account/login/", 200, "the new template"), PATIENCE)


def test_error_shows_its_trace_in_the_browser(dev: Launched, copy: Path) -> None:
    append(copy / "zenvoices" / "urls.py", BREAKS)
    # The page of an error has the trace as a picture and as text to copy; a server that reloads once more has neither.
    for told in ("Traceback", "ZeroDivisionError"):
        assert wait_for(lambda told=told: serves(dev, "/breaks", 500, told), PATIENCE)


def test_half_typed_file_is_waited_for(dev: Launched, copy: Path) -> None:
    settings = copy / "zenvoices" / "settings.py"
    whole = settings.read_text()
    append(settings, "HALF = (")
    assert wait_for(lambda: 0 not in times_said(dev, "SyntaxError").values(), PATIENCE)
    settings.write_text(whole)
    append(copy / "zenvoices" / "celery.py", SAYS_SO.replace("new", "mended"))
    assert wait_for(lambda: 0 not in times_said(dev, "this is the mended code").values(), PATIENCE)
    assert wait_for(lambda: serves(dev, "/readyz", 200, "true"), PATIENCE)


def test_its_data_serve_make_run_afterwards(tmp_path: Path) -> None:
    for target in ("dev", "run"):
        with running(tmp_path, target) as launched:
            assert get(launched.port, "/account/login/")[0] == 200
