"""`make dev` in a copy of the portal, whose files are changed while it runs."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path

import pytest

from scripts.bootstrap import ROOT
from tests import migrated
from tests.waiting import wait_until
from tests.zenvoices import test_make_run
from tests.zenvoices.test_make_run import Launched, checkout, get, installed, parents

pytestmark = [*test_make_run.pytestmark, pytest.mark.proof, pytest.mark.usefixtures(installed.__name__)]
PROGRAMS = ("web", "beat", "worker-fetch", "worker-checks", "worker-documents")
SAYS_SO = 'print("this is the new code", flush=True)\n'
BREAKS = 'urlpatterns += [path("breaks", lambda request: 1 / 0)]\n'
PATIENCE = 120  # seconds


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a page that breaks."""
    copied = checkout(tmp_path_factory.mktemp("portal") / "copy")
    (copied / ".venv").symlink_to(ROOT / ".venv")
    append(copied / "zenvoices" / "urls.py", BREAKS)
    return copied


def begun(data: Path, target: str, root: Path = ROOT) -> Launched:
    launched = Launched(data, target=target, root=root, DEMO="0")  # two that begin at once choose the same mail port
    launched.read_until("Ctrl-C")
    return launched


def end(launched: Launched) -> None:
    """By Ctrl-C, which a terminal sends to the whole group; nothing is left behind."""
    if launched.process.poll() is not None:
        return
    family = launched.family()
    os.killpg(launched.process.pid, signal.SIGINT)
    launched.ended()
    wait_until(lambda: not family & parents().keys())


@pytest.fixture(scope="module")
def dev(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    data = tmp_path_factory.mktemp("data")
    migrated.copy_to(data / "portal.sqlite3")
    launched = begun(data, "dev", copy)
    yield launched
    end(launched)


def append(file: Path, text: str) -> None:
    file.write_text(f"{file.read_text()}\n{text}")


def times_said(dev: Launched, text: str) -> dict[str, int]:
    logs = {name: dev.data / "logs" / f"{name}.log" for name in PROGRAMS}
    return {name: log.read_text().count(text) for name, log in logs.items()}


def told(dev: Launched) -> str:
    """The end of each log, for who finds this red."""
    return "\n".join(f"{name}: {(dev.data / 'logs' / f'{name}.log').read_text()[-1500:]}" for name in PROGRAMS)


def serves(dev: Launched, path: str, status: int, text: str) -> bool:
    """False also while the server starts anew."""
    try:
        answered, body = get(dev.port, path)
    except (OSError, HTTPException):
        return False
    return answered == status and text in body.decode()


def wait_for(dev: Launched, happened: Callable[[], bool]) -> None:
    wait_until(happened, told=lambda: told(dev), seconds=PATIENCE)


def test_error_shows_its_trace_in_the_browser(dev: Launched) -> None:
    for told in ("Traceback", "ZeroDivisionError"):  # as text to copy, and as a picture
        assert serves(dev, "/breaks", 500, told)


def test_changed_file_reaches_web_schedule_and_workers_and_a_half_typed_one_is_waited_for(
    dev: Launched, copy: Path
) -> None:
    settings = copy / "zenvoices" / "settings.py"
    whole = settings.read_text()
    append(settings, "HALF = (")
    wait_for(dev, lambda: 0 not in times_said(dev, "SyntaxError").values())
    settings.write_text(f"{whole}\n{SAYS_SO}")  # every program reads them
    wait_for(dev, lambda: 0 not in times_said(dev, "this is the new code").values())
    wait_for(dev, lambda: serves(dev, "/readyz", 200, "true"))


def test_changed_template_is_served(dev: Launched, copy: Path) -> None:
    base = copy / "templates" / "base.html"
    base.write_text(base.read_text().replace("</body>", "<p>the new template</p></body>"))
    wait_for(dev, lambda: serves(dev, "/account/login/", 200, "the new template"))


def test_its_data_serve_make_run_afterwards(dev: Launched) -> None:
    end(dev)
    run = begun(dev.data, "run")
    try:
        assert get(run.port, "/account/login/")[0] == 200
    finally:
        end(run)
