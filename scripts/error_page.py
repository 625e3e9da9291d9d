"""Writes docs/errors.md, the table of every error, from the code that decides.

python -m scripts.error_page
"""

from __future__ import annotations

import base64
import os
import tempfile
from pathlib import Path

import django
from django.apps import apps
from django.utils import translation

if not apps.ready:  # as a program: of settings whatever will do, for sentences need none of an installation's
    folder = tempfile.TemporaryDirectory()  # gone when this ends
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "zenvoices.settings",
        "DATA_DIR": folder.name,
        "SECRET_KEY": "only-for-a-page",
        "CREDENTIAL_KEYS": base64.urlsafe_b64encode(bytes(32)).decode(),
    }
    django.setup()

from channels.errors import CODES
from channels.words import phrases
from channels.words.sentences import Moment, Reader

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "errors.md"
_HEAD = """# Every error, whose it is, and what is said

Written by `python -m scripts.error_page` from `channels/errors.py` (class, whose) and `channels/words/` (sentences);
a test holds it to them. *Counts*: for five in a row. *Stays*: until somebody acts; the channel shows *Reconnect* from
the first time on. A next step is chosen by the moment: check of a form or draft, back from the provider (linking), the
page of a consent link, a running channel, a stopped one. The operator's step stands in the log and in the e-mail to
`OPERATOR_EMAIL`.
"""
_WHOSE = {
    "owner": "The owner of the mailbox",
    "manager": "Who manages the channel",
    "it": "The administrator of the owner's organisation",
    "server": "The provider, or who runs the mail server",
    "operator": "The operator of this portal",
    "code": "Our own code",
}


def page() -> str:
    """The whole page, in English."""
    with translation.override("en"):
        parts = [_HEAD]
        for whose, heading in _WHOSE.items():
            rows = [_row(code) for code, known in CODES.items() if known.whose == whose]
            parts.append(f"## {heading}\n\n{_TABLE_HEAD}\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


_TABLE_HEAD = "| code | counts | stays | what is the matter | next step |\n| --- | --- | --- | --- | --- |"


def _row(code: str) -> str:
    facts = {name: f"*{name}*" for name in ("port", "reason", "size", "provider", "account", "expected", "offered")}
    steps: dict[str, list[str]] = {}
    for moment in Moment:
        reader = Reader.HOLDER if moment is Moment.CONSENT else Reader.MANAGER
        steps.setdefault(phrases.phrase(code, facts, moment, reader).next_step, []).append(moment.value)
    steps.setdefault(phrases.phrase(code, facts, Moment.RUNNING, Reader.OPERATOR).next_step, []).append("operator")
    said = "<br>".join(f"{', '.join(moments)}: {step}" for step, moments in steps.items())
    kind = CODES[code].kind
    yes = {True: "yes", False: "no"}
    text = phrases.phrase(code, facts).text
    return f"| `{code}` | {yes[kind.strikes]} | {yes[kind.permanent]} | {text} | {said} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
