"""What one person may do in each administration of an environment: fifty of them at a time, found by typing.

What was chosen stays in the form while somebody looks for others, and only what the form shows is changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Self
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from administrations.forms import ROLE_HELP, NewcomerForm
from administrations.models import Administration, Role
from zenvoices.lib import seen
from zenvoices.lib.paging import page_of, searched, with_words
from zenvoices.lib.seen import NOTHING, Seen, SeenForm

_ROLE: Final = "role_"
_ADMIN: Final = "environment_admin"
#: the button that looks for administrations instead of saving; its value is the page
FIND: Final = "find"


class AccessForm(SeenForm):
    environment_admin = forms.BooleanField(
        label=_("Administrator of the environment"),
        help_text=_("May do everything in all administrations, also in later ones."),
        required=False,
    )
    role_help = ROLE_HELP

    def __init__(self, *args: Any, shown: Iterable[Administration], elsewhere: bool = False, **kwargs: Any) -> None:
        """`elsewhere`: the person has a role in an administration that is not shown."""
        super().__init__(*args, **kwargs)
        self.administrations = list(shown)
        self.elsewhere = elsewhere
        for administration in self.administrations:
            self.fields[f"{_ROLE}{administration.pk}"] = forms.ChoiceField(
                label=administration.name, choices=[("", _("No access")), *Role.choices], required=False
            )

    #: what was looked for, and the page of what was found
    words = ""
    page: Page[Administration] | None = None

    @classmethod
    def listing(
        cls, reachable: QuerySet[Administration], asked: QueryDict, now: Mapping[str, object], *,
        line: Seen = NOTHING, **more: Any,
    ) -> Self:  # fmt: skip
        """What is found, under what was chosen before and is not saved yet. `now`: the access as it is. `line`: of the
        audit trail, the last one now.
        """
        words = searched(asked)
        chosen = [pk for pk in _named(asked) if asked[f"{_ROLE}{pk}"] != now.get(f"{_ROLE}{pk}", "")]
        page = page_of(reachable.filter(with_words(words, "name")), asked.get(FIND, ""))
        kept = list(reachable.filter(pk__in=chosen))
        typed = {name: asked[name] for name in asked if name != "environment_admin"}
        initial = {**now, **typed}
        shown_first = seen.read(asked.get("seen", ""))
        if FIND in asked:
            initial["environment_admin"] = "environment_admin" in asked
        found = [each for each in page.object_list if each not in kept]
        stood = {str(each.pk): str(now.get(f"{_ROLE}{each.pk}", "")) for each in [*kept, *found]}
        initial["seen"] = seen.kept({_ADMIN: str(now.get(_ADMIN, False)), **stood, **line, **shown_first})
        form = cls(shown=[*kept, *found], initial=initial, **more)
        form.words, form.page = words, page
        return form

    @classmethod
    def sent(
        cls, reachable: QuerySet[Administration], asked: QueryDict, now: Mapping[str, object], **more: Any
    ) -> Self:
        """What is to be saved: the administrations that it names, and no other."""
        shown = list(reachable.filter(pk__in=_named(asked)))
        named = {f"{_ROLE}{each.pk}" for each in shown}
        elsewhere = any(name.startswith(_ROLE) and name not in named for name in now)
        form = cls(asked, shown=shown, elsewhere=elsewhere, **more)
        form.words, form.page = searched(asked), page_of(reachable, "")
        return form

    def own(self, asked: QueryDict) -> QueryDict:
        """What this person changed in it, to be shown over what stands now."""
        was, found = self.was_seen, QueryDict(mutable=True)
        for each in self.administrations:
            name = f"{_ROLE}{each.pk}"
            if was.get(str(each.pk)) != asked[name]:
                found[name] = str(asked[name])
        if was.get(_ADMIN) != str("environment_admin" in asked):
            found[FIND] = ""
            if "environment_admin" in asked:
                found["environment_admin"] = "on"
        return found

    def role_fields(self) -> list[forms.BoundField]:
        return [self[f"{_ROLE}{administration.pk}"] for administration in self.administrations]

    def roles(self) -> dict[UUID, Role]:
        chosen = {each.pk: self.cleaned_data[f"{_ROLE}{each.pk}"] for each in self.administrations}
        return {pk: Role(role) for pk, role in chosen.items() if role}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not data["environment_admin"] and not self.roles() and not self.elsewhere:
            raise ValidationError(_("Choose a role in at least one administration."))
        return data


def role_name(administration_id: UUID) -> str:
    return f"{_ROLE}{administration_id}"


def _named(asked: QueryDict) -> list[UUID]:
    found = []
    for name in asked:
        try:
            found += [UUID(name.removeprefix(_ROLE))] if name.startswith(_ROLE) else []
        except ValueError:
            continue
    return found


class EnvironmentInviteForm(NewcomerForm, AccessForm):
    in_already = _("This person is already in this environment. Change the access in the list.")
    field_order = ["email", "environment_admin"]
