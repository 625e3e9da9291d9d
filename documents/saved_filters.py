"""A filter under a name: of one person, in one administration."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django import forms
from django.db import IntegrityError, transaction
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from administrations.models import User
from documents.forms import FilterForm
from documents.models import SavedFilter
from zenvoices.lib.fields import NameField

MOST_SAVED: Final = 30


class NameForm(forms.Form):
    """Of a new filter, or another name for `renamed`."""

    name = NameField(label=_("Name of the filter"), max_length=60)

    def __init__(self, data: Any, person: User, renamed: SavedFilter | None = None) -> None:
        super().__init__(data, label_suffix="")
        mine = SavedFilter.objects.filter(person=person)
        self._others = mine.exclude(pk=renamed.pk) if renamed else mine

    def refuse_as_taken(self) -> None:
        """Somebody took the name since it was looked at."""
        self.add_error("name", _taken())

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if self._others.filter(name=name).exists():
            raise _taken()
        if self._others.count() >= MOST_SAVED:
            raise forms.ValidationError(gettext("Remove a filter first: %(most)d is the most.") % {"most": MOST_SAVED})
        return name


def _taken() -> forms.ValidationError:
    return forms.ValidationError(gettext("You have a filter with this name. Choose another name."))


def rename_filter(kept: SavedFilter, name: str) -> bool:
    """False when another has this name by now: the constraint of the table decides."""
    try:
        with transaction.atomic():
            SavedFilter.objects.filter(pk=kept.pk).update(name=name)
    except IntegrityError:
        return False
    return True


def saved_by(person: User) -> list[SavedFilter]:
    return list(SavedFilter.objects.filter(person=person))


def worth_keeping(asked: QueryDict) -> str:
    """What of an address is a filter or an order, as an address; "" when that is the list as it opens."""
    kept = QueryDict(mutable=True)
    for name in FilterForm.base_fields:
        if name != "behind" and (value := asked.get(name, "")):
            kept[name] = value[:200]
    return kept.urlencode()


def keep_filter(administration_id: UUID, person: User, name: str, query: str) -> SavedFilter:
    """One that was kept in the same moment under this name is this one."""
    kept, _is_new = SavedFilter.objects.update_or_create(
        administration_id=administration_id, person=person, name=name, defaults={"query": query}
    )
    return kept
