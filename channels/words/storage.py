"""What those who manage an administration are told of its storage."""

from __future__ import annotations

from django.utils.translation import gettext as _

from zenvoices.lib.sizes import number_said


def subject(administration: str) -> str:
    return _("The storage of %(administration)s is nearly full") % {"administration": administration}


def text(administration: str, used: int, most: int) -> tuple[str, str]:
    """What, and what to do. Sizes in bytes."""
    what = _(
        "%(administration)s uses %(used)s of %(most)s of storage. "
        "When all is in use, nothing is uploaded, and new emails wait in the mailbox."
    )
    do = _("Delete documents that you no longer need.")
    return what % {"administration": administration, "used": _gb(used), "most": _gb(most)}, do


def action() -> str:
    return _("To the documents")


def _gb(number: int) -> str:
    return f"{number_said(number / 1_000_000_000)} GB"
