"""The search and filters of the list, read from the address."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from documents.models import Document
from documents.queries import Filters
from documents.sorting import Place, Sort
from documents.worklist import ALL
from zenvoices.lib.fields import NameField
from zenvoices.lib.keyset import FIRST_YEAR, LAST_YEAR
from zenvoices.lib.paging import LONGEST

UPLOADS = "upload"
#: whoever looks for something does so among what is done too
_LOOK_FOR = ("q", "kind", "sender", "since", "until", "duplicates", "warned")
_SANE_DAYS = [
    MinValueValidator(date(FIRST_YEAR, 1, 1), _("Choose a date between 1970 and 2200.")),
    MaxValueValidator(date(LAST_YEAR, 12, 31), _("Choose a date between 1970 and 2200.")),
]


def channel_asked_for(asked: QueryDict) -> list[tuple[UUID, str]]:
    """For a form that is not shown: none of the channels there are is looked up."""
    with suppress(ValueError):
        return [(UUID(asked.get("channel", "")), "")]
    return []


class FilterForm(forms.Form):
    q = NameField(label=_("Search"), required=False)
    channel = forms.ChoiceField(label=_("Channel"), required=False)
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("All kinds")), *Document.Kind.choices])
    sender = NameField(label=_("Sender"), required=False, max_length=200)
    since = forms.DateField(label=_("From date"), required=False, validators=_SANE_DAYS)
    until = forms.DateField(label=_("Up to and including"), required=False, validators=_SANE_DAYS)
    duplicates = forms.BooleanField(label=_("Only possible duplicates"), required=False)
    warned = forms.BooleanField(label=_("Only what to look at twice"), required=False)
    behind = forms.CharField(required=False, widget=forms.HiddenInput)
    sort = forms.ChoiceField(required=False, choices=Sort.choices, widget=forms.HiddenInput)
    state = forms.ChoiceField(required=False, choices=[*Document.State.choices, (ALL, "")], widget=forms.HiddenInput)

    def __init__(self, data: Any, sources: list[tuple[UUID, str]]) -> None:
        super().__init__(data, label_suffix="")
        channels = [(str(key), name) for key, name in sources]
        self.fields["channel"].choices = [("", _("All channels")), *channels, (UPLOADS, _("Upload"))]  # type: ignore[attr-defined]
        for name in ("since", "until"):
            self.fields[name].widget = forms.DateInput(attrs={"type": "date"})

    def filters(self) -> Filters:
        """What was filled in well; the rest stands as an error at its field and narrows nothing."""
        self.is_valid()
        given = self.cleaned_data
        channel = given.get("channel", "")
        looks_for = any(given.get(name) for name in _LOOK_FOR)
        return Filters(
            words=given.get("q", "")[:LONGEST],
            source=UUID(channel) if channel and channel != UPLOADS else None,
            uploads=channel == UPLOADS,
            kind=given.get("kind", ""),
            sender=given.get("sender", ""),
            since=given.get("since"),
            until=given.get("until"),
            behind=Place.read(given.get("behind", "")),
            duplicates=given.get("duplicates", False),
            warned=given.get("warned", False),
            state=given.get("state") or (ALL if looks_for else ""),
        )

    def order(self) -> Sort:
        """The newest first, when something else was asked for."""
        self.is_valid()
        return Sort(self.cleaned_data.get("sort", ""))
