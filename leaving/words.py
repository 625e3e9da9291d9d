"""What the pages of erasing say, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from leaving.models import Erasure

#: by the code of `Plan.refusal`, or of erasing.Refused
REFUSALS: Final[Mapping[str, Promise]] = {
    "held": _("A hold stands, so nothing of it may be erased. An administrator first lifts it under Retention."),
    "term": _("Say first that you have the export, and keep the documents yourself."),
    "nothing_past_term": _("No document has outlived its term."),
    "last_administrator": _("An environment keeps at least one administrator. Make somebody else administrator first."),
    "elsewhere_too": _(
        "This person works in another environment too, so only they themselves erase their account. "
        "You can end their access to yours."
    ),
}
#: what goes, by the names of `Plan.counts`
COUNTED: Final[Mapping[str, Promise]] = {
    "administrations": _("Administrations"),
    "documents": _("Documents"),
    "emails": _("Emails"),
    "channels": _("Channels"),
    "people": _("People who are in no other environment"),
}
STEPS: Final[Mapping[str, Promise]] = {
    "links": _("Links at providers ended, secrets erased"),
    "rows": _("Documents, emails, channels and the rest erased"),
    "administration": _("Administration erased"),
    "files": _("Files erased"),
    "environment": _("Environment erased"),
    "people": _("Accounts erased"),
    "documents": _("Documents erased"),
}


def counted(counts: Mapping[str, int]) -> Iterator[tuple[Promise, int]]:
    return ((COUNTED[name], number) for name, number in counts.items())


def steps_of(erasure: Erasure, all_of_them: Iterator[str] | Mapping[str, object]) -> list[tuple[Promise, bool]]:
    """Each step, and whether it is done."""
    return [(STEPS[name], name in erasure.steps_done) for name in all_of_them]
