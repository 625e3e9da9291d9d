"""Once a year the Beheerders of an administration are told that documents outlived their term: they decide."""

from __future__ import annotations

from typing import Final

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from administrations import retention
from administrations.models import Administration
from leaving import plans
from notifications.services import Message, Said, close_about, in_both_languages, tell_administrators
from zenvoices.lib import bulkheads, database_clock

KIND: Final = "term_is_over"


def tell() -> int:
    """To be called in `every_administration`. Returns of how many administrations somebody was told."""
    open_ones = Administration.objects.filter(erasing_since=None, held_since=None, environment__erasing_since=None)
    return bulkheads.each(list(open_ones.select_related("environment")), _tell)


def settle(administration: Administration) -> None:
    close_about(administration.pk, [KIND])


def _tell(administration: Administration) -> int:
    documents, _mails = plans.past_term(administration, retention.term_began(administration))
    if not documents.exists():
        return 0
    event = f"{administration.pk}:term:{timezone.localdate(database_clock.now()).year}"
    said = _message(administration)
    return tell_administrators(administration, kind=KIND, event=event, subject_id=administration.pk, message=said)


def _message(administration: Administration) -> Message:
    name = {"name": administration.name}

    def say() -> Said:
        subject = _("Documents of %(name)s whose term is over") % name
        what = _("%(name)s has documents whose term is over.") % name
        return Said(subject, what, _("You may erase them; by themselves they stay."), _("Show"))

    return in_both_languages(reverse("retention", args=[administration.pk]), say)
