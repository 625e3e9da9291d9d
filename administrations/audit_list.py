"""Who may read which lines of the audit trail, narrowed by filters, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from administrations.audit_entry import AuditEntry
from administrations.audit_words import KINDS
from administrations.models import Administration, Environment
from zenvoices.lib.days import midnight
from zenvoices.lib.keyset import FIRST_YEAR, LAST_YEAR
from zenvoices.lib.scoping import administration_scope, every_administration

PAGE = 50
CHUNK = 1_000
_SANE_DAYS = [
    MinValueValidator(date(FIRST_YEAR, 1, 1), _("Choose a date between 1970 and 2200.")),
    MaxValueValidator(date(LAST_YEAR, 12, 31), _("Choose a date between 1970 and 2200.")),
]


class AuditFilter(forms.Form):
    who = forms.CharField(label=_("Person"), required=False, max_length=200)
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("All kinds")), *KINDS.items()])
    since = forms.DateField(label=_("From date"), required=False, validators=_SANE_DAYS)
    until = forms.DateField(label=_("Up to and including"), required=False, validators=_SANE_DAYS)

    def __init__(self, data: Any) -> None:
        super().__init__(data, label_suffix="")
        for name in ("since", "until"):
            self.fields[name].widget = forms.DateInput(attrs={"type": "date"})

    def narrowed(self) -> Q:
        """What was filled in well; the rest stands as an error at its field and narrows nothing."""
        self.is_valid()
        given, wanted = self.cleaned_data, Q()
        if name := given.get("who"):
            wanted &= Q(actor_name__icontains=name) | Q(thing_kind="user", thing_name__icontains=name)
        if kind := given.get("kind"):
            wanted &= Q(code__startswith=f"{kind}.")
        if since := given.get("since"):
            wanted &= Q(at__gte=midnight(since))
        if until := given.get("until"):
            wanted &= Q(at__lt=midnight(until + timedelta(days=1)))
        return wanted


@dataclass(frozen=True)
class Trail:
    """The lines of one administration, or of an environment with all its administrations."""

    place: Administration | Environment
    wanted: Q

    def page(self, before: int | None, size: int = PAGE) -> tuple[list[AuditEntry], int | None]:
        """Newest first, and the mark of the next page."""
        with self._scope():
            rows = self._rows() if before is None else self._rows().filter(pk__lt=before)
            found = list(rows[: size + 1])
        return found[:size], found[size - 1].pk if len(found) > size else None

    def all(self) -> Iterator[AuditEntry]:
        """In memory is one chunk. Enters its scope for each, so that it may be read after the view returned."""
        lines, before = self.page(None, CHUNK)
        yield from lines
        while before is not None:
            lines, before = self.page(before, CHUNK)
            yield from lines

    def _rows(self) -> QuerySet[AuditEntry]:
        mine = {"environment_id" if isinstance(self.place, Environment) else "administration_id": self.place.pk}
        return AuditEntry.objects.filter(self.wanted, **mine).order_by("-id")

    def _scope(self) -> AbstractContextManager[None]:
        whole = isinstance(self.place, Environment)
        return every_administration() if whole else administration_scope(self.place.pk)


def mark(text: str) -> int | None:
    """None for nonsense, which begins at the top."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
