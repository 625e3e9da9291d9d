"""What the page says when the answer of a provider was not taken in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from channels.words.phrases import Phrase
from channels.words.sentences import Text

#: why the callback was not taken in -> heading, what is the matter, what to do
_REFUSED: Final[dict[str, tuple[Text, Text, Text]]] = {
    "unknown": (
        _("This answer is not known here"),
        _("It belongs to no sign-in that began in this portal."),
        _("Open the channel and connect it from there."),
    ),
    "used": (
        _("This answer was used before"),
        _("Each sign-in counts once; perhaps the page was loaded twice."),
        _("Open the channel: it says whether it is linked."),
    ),
    "expired": (
        _("That took too long"),
        _("An answer of the provider is taken within ten minutes."),
        _("Connect again and finish within ten minutes."),
    ),
    "other_browser": (
        _("This sign-in began in another browser"),
        _("An answer is only taken where the sign-in began."),
        _("Go back to that browser, or connect again here."),
    ),
    "other_person": (
        _("Somebody else began this sign-in"),
        _("An answer is only taken from the person who began."),
        _("Connect again under your own name."),
    ),
    "signed_out": (
        _("You were signed out meanwhile"),
        _("The answer of the provider could not be taken in."),
        _("Sign in and connect the channel again."),
    ),
    "gone": (
        _("This channel was deleted meanwhile"),
        _("The answer of the provider was not used."),
        _("Make a new channel if you still need it."),
    ),
    "not_allowed": (
        _("You may no longer change this channel"),
        _("The answer of the provider was not used."),
        _("Ask an administrator of your office."),
    ),
    "changed": (
        _("This channel was changed meanwhile"),
        _("What you agreed to no longer fits its settings."),
        _("Connect again with the settings of now."),
    ),
    "consent_closed": (
        _("This link can no longer be used"),
        _("It was used, withdrawn, or its time is over."),
        _("Ask the office that sent it for a new one."),
    ),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A page that says why a link was not made."""

    title: str
    text: str
    next_step: str
    help_topic: str = ""


def refusal(reason: str) -> Refusal:
    """Why the callback is not taken in."""
    return Refusal(*map(str, _REFUSED[reason]))


def provider_refusal(said: Phrase) -> Refusal:
    return Refusal(gettext("The mailbox is not linked"), said.text, said.next_step, said.help_topic)


def known_refusals() -> set[str]:
    return set(_REFUSED)
