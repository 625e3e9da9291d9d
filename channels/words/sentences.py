"""Which sentence somebody reads about an error: chosen by its code, the moment, and who reads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from channels.errors import CODES, ChannelError, Code, CredentialProblem, OurProblem, Whose

if TYPE_CHECKING:
    from channels.models import Channel

Text = str | Promise


class Moment(StrEnum):
    """What the channel is doing when somebody reads of its trouble."""

    CHECK = "check"  # the connection of a draft or a form is tried
    LINKING = "linking"  # back from the provider
    CONSENT = "consent"  # on the page of a consent link
    RUNNING = "running"  # fetched by itself each half hour
    STOPPED = "stopped"  # inactive: nothing happens by itself


class Reader(StrEnum):
    MANAGER = "manager"  # of the channel
    HOLDER = "holder"  # of a consent link: sees nothing else of the portal
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Sentences:
    """What is said of one code: `cause` is what is the matter, the others are what to do next.

    `do`: what who manages the channel does, at every moment that has no step of its own. Without it nobody of the
    office can do anything but wait, and the moment chooses (`_WAITING`, `_OURS`). `app`: of a channel that no person
    signs in for.
    """

    cause: Text
    do: Text = ""
    check: Text = ""
    linking: Text = ""
    consent: Text = ""
    running: Text = ""
    stopped: Text = ""
    operator: Text = ""
    app: Text = ""
    topic: str = ""


#: nobody's to mend: it passes
_WAITING: Final[dict[Moment, Text]] = {
    Moment.CHECK: _("Check the connection again in a few minutes."),
    Moment.LINKING: _("Connect again in a few minutes."),
    Moment.CONSENT: _("Open the link again in a few minutes."),
    Moment.RUNNING: _("You need not do anything: it is tried again later."),
    Moment.STOPPED: _("Activate the channel: the connection is then tried at once."),
}
#: the operator's to mend
_OURS: Final[dict[Moment, Text]] = {
    Moment.CHECK: _("We are working on it; check the connection again later."),
    Moment.LINKING: _("We are working on it; connect again later."),
    Moment.CONSENT: _("We are working on it; open the link again later."),
    Moment.RUNNING: _("We are working on it; fetching then goes on by itself."),
    Moment.STOPPED: _("We are working on it; activate the channel again later."),
}
#: Nobody can connect a channel again that no person signs in for.
_APP: Final = _("Have an administrator check the permissions of the app in Entra.")
#: What the holder of a consent link cannot mend in the form that the office sees.
_HOLDER_TELLS: Final = _("Tell the office that sent you this link.")
_OPERATOR: Final[dict[Whose, Text]] = {
    Whose.OWNER: _("Nothing for the operator: the mailbox's owner mends it."),
    Whose.MANAGER: _("Nothing for the operator: who manages the channel mends it."),
    Whose.IT: _("Nothing for the operator: the organisation's administrator mends it."),
    Whose.SERVER: _("Nothing for the operator, unless many channels say it."),
    Whose.OPERATOR: _("Look in the log and at /readyz for when it began."),
    Whose.CODE: _("Look in the log for this code and report what stands there."),
}


def moment_of(channel: Channel) -> Moment:
    """What this channel is doing now, whenever the error came."""
    if channel.state == channel.State.ACTIVE:
        return Moment.RUNNING
    return Moment.CHECK if channel.state == channel.State.DRAFT else Moment.STOPPED


def next_step(code: str, said: Sentences, moment: Moment, reader: Reader, *, app_only: bool = False) -> Text:
    """What the reader can do now, or that there is nothing to do. `app_only`: no person signs in."""
    kind, whose = CODES.get(code, Code(ChannelError, Whose.CODE))
    if reader is Reader.OPERATOR:
        return said.operator or _OPERATOR[whose]
    if app_only and (said.app or kind is CredentialProblem):
        return said.app or _APP
    own: Text = getattr(said, moment.value)
    if own:
        return own
    if reader is Reader.HOLDER and (whose is not Whose.OWNER or not said.do):
        return _HOLDER_TELLS if kind.permanent else _passing(kind, moment)
    if said.do:
        return said.do
    return _passing(kind, moment)


def _passing(kind: type[ChannelError], moment: Moment) -> Text:
    return (_OURS if issubclass(kind, OurProblem) else _WAITING)[moment]
