"""What those who manage an administration are told of its storage."""

from __future__ import annotations

from django.utils.formats import number_format
from django.utils.translation import gettext as _


def subject(administration: str) -> str:
    return _("The storage of %(administration)s is nearly full") % {"administration": administration}


def text(administration: str, used: int, most: int) -> str:
    """Sizes in bytes."""
    said = _(
        "Delete documents of %(administration)s that you no longer need: %(used)s of %(most)s are in use. "
        "When all is in use, nothing is uploaded, and new emails wait in the mailbox."
    )
    return said % {"administration": administration, "used": _gb(used), "most": _gb(most)}


def action() -> str:
    return _("To the documents")


def _gb(number: int) -> str:
    return f"{number_format(f'{number / 1_000_000_000:.2f}'.rstrip('0').rstrip('.'))} GB"
