"""Nobody else on the machine reads what the portal keeps."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.private import narrow
from tests.portal import ROOT, Portal

pytestmark = pytest.mark.slow

MAIL = "from django.core.mail import send_mail; send_mail('Nieuw wachtwoord', 'link', None, ['gerda@devries.test'])"
BEGINS = {
    # of one app: all tables are made alike, and it is the database that is made
    "an operator command": ["manage.py", "migrate", "contenttypes", "--verbosity", "0"],
    "gunicorn": ["-c", f"import zenvoices.wsgi; {MAIL}"],
    "a worker": ["-c", f"from zenvoices.celery import app; app.loader.import_default_modules(); {MAIL}"],
}


def open_to_others(folder: Path) -> list[str]:
    return sorted(str(path) for path in [folder, *folder.rglob("*")] if stat.S_IMODE(path.lstat().st_mode) & 0o077)


@pytest.mark.parametrize("begins", BEGINS)
def test_process_writes_for_its_own_user_only(tmp_path: Path, begins: str) -> None:
    portal = Portal(tmp_path / "data", "")
    environment = portal.environment() | {"DJANGO_SETTINGS_MODULE": "zenvoices.settings"}
    command = [sys.executable, *BEGINS[begins]]
    subprocess.run(command, cwd=ROOT, env=environment, umask=0o022, timeout=60, check=True)
    assert any(portal.folder.rglob("*"))
    assert open_to_others(portal.folder) == []


def test_what_was_open_is_narrowed_and_a_link_leads_nowhere_else(tmp_path: Path) -> None:
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    for folder in (data / "documents" / "ab", elsewhere):
        folder.mkdir(parents=True)
        (folder / "file").write_text("x")
    for path in (data, *data.rglob("*"), elsewhere, elsewhere / "file"):
        path.chmod(0o777 if path.is_dir() else 0o666)
    os.symlink(elsewhere, data / "link")
    narrow(data)
    left = [path for path in open_to_others(data) if not Path(path).is_symlink()]
    assert (left, open_to_others(elsewhere)) == ([], [str(elsewhere), str(elsewhere / "file")])
    assert stat.S_IMODE((data / "documents" / "ab" / "file").stat().st_mode) == 0o600
