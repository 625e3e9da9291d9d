"""Defaults that only show when nobody sets anything."""

from __future__ import annotations

from pathlib import Path

from tests.portal import Portal


def test_outbox_of_a_portal_without_mail_server_is_in_its_folder(tmp_path: Path) -> None:
    Portal(tmp_path, ca_file="").python(
        f"from django.core.mail import send_mail\nsend_mail('Welkom', 'Hallo', None, ['a@b.test'])\n"
        f"from pathlib import Path\nassert len(list(Path({str(tmp_path)!r}, 'outbox').iterdir())) == 1"
    )
