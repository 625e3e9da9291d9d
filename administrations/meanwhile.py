"""Who changed something since a form of it was opened, for whoever is told that nothing of theirs is saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from django.db import models
from django.utils.translation import gettext as _

from administrations.audit_entry import AuditEntry
from administrations.audit_words import who
from zenvoices.lib.scoping import every_administration
from zenvoices.lib.seen import Seen

#: in what a form was seen with: the last line of the audit trail of its place
LINE: Final = "line"


def line_of(**place: Any) -> dict[str, str]:
    """`place`: the id of an administration or environment, as in AuditEntry."""
    with _scope_of(place):
        last = AuditEntry.objects.filter(**place).order_by("-id").values_list("pk", flat=True).first()
    return {LINE: str(last or 0)}


def by_whom(was: Seen, thing: models.Model, codes: Iterable[str], **place: Any) -> str:
    """Each once, in order; "" when the trail tells of nobody."""
    line = was.get(LINE, "")
    after = int(line) if line.isdecimal() and len(line) < 19 else 0
    kind = str(thing._meta.model_name)
    with _scope_of(place):
        lines = AuditEntry.objects.filter(**place, pk__gt=after, code__in=list(codes), thing_kind=kind)
        lines = lines.filter(thing_id=str(thing.pk))
        return ", ".join(dict.fromkeys(who(entry) for entry in lines.order_by("id")))


def _scope_of(place: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Whoever asks of an administration is in it."""
    return nullcontext() if "administration_id" in place else every_administration()


def said(who: str) -> list[str]:
    """Beside a form that shows how it is now."""
    if who:
        first = _("%(who)s changed this meanwhile. Nothing of yours is saved yet.") % {"who": who}
    else:
        first = _("This was changed meanwhile. Nothing of yours is saved yet.")
    return [first, look_again()]


def look_again() -> str:
    return _("The form shows it as it is now, with what you changed yourself. Look at it, then choose Save.")
