"""Who is told that a document was not forwarded: whoever asked for it, and the Beheerders, who keep the address."""

from __future__ import annotations

from typing import Final

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from administrations.access import administrators_of, may, role_in
from administrations.models import Role, User
from documents.forward_models import Forward, ForwardAddress
from documents.phrases import forward_problem
from notifications.services import Said, close_about, in_both_languages, tell_who_may_act

KIND: Final = "documents_not_forwarded"
#: what nobody did on purpose, and somebody can do something about
TOLD: Final = frozenset({"refused", "unreachable", "uncertain", "file_missing", "right_lost"})


def failed(forward: Forward, problem: str) -> None:
    """Once a day for each address and reason, however many documents: a wrong address fails for all of them."""
    if problem not in TOLD:
        return
    names = {"document": forward.document.filename, "address": forward.to.address}

    def say() -> Said:
        moment = formats.date_format(timezone.localtime(), "DATETIME_FORMAT")
        subject = _("“%(document)s” was not forwarded") % names
        what = _(
            "“%(document)s” was not forwarded to %(address)s on %(moment)s. "
            "What fails there today for the same reason stands in the list."
        )
        return Said(subject, what % (names | {"moment": moment}), forward_problem(problem), _("Show document"))

    tell_who_may_act(
        _people(forward),
        forward.administration,
        kind=KIND,
        event=f"{forward.to_id}:{problem}:{timezone.localdate():%Y%m%d}",
        subject_id=forward.to_id,
        message=in_both_languages(reverse("document", args=[forward.administration_id, forward.document_id]), say),
    )


def left(forward: Forward) -> None:
    """It is over when every document that failed there left after all."""
    others = Forward.objects.filter(document=OuterRef("document")).exclude(state=Forward.State.FAILED)
    unsent = Forward.objects.filter(to=forward.to_id, state=Forward.State.FAILED, problem__in=TOLD)
    if not unsent.exclude(Exists(others)).exists():
        close_about(forward.to_id, [KIND])


def address_removed(address: ForwardAddress) -> None:
    close_about(address.pk, [KIND])


def _people(forward: Forward) -> list[User]:
    people, asked_by = list(administrators_of(forward.administration)), forward.asked_by
    if asked_by is not None and asked_by.is_active and may(role_in(asked_by, forward.administration), Role.USER):
        people.append(asked_by)
    return people
