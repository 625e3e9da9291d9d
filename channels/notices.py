"""What people are told about a channel, in both languages at once."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from channels.errors import CODES, CredentialProblem, is_ours
from channels.models import Channel, ReceivedMail
from channels.words import phrases, subjects
from notifications.models import Notification
from notifications.services import (
    Message,
    close_about,
    close_about_all,
    tell_administrators,
    tell_everyone_with_access,
)

ATTENTION = "channel_needs_attention"
DEACTIVATED = "channel_deactivated"
RECOVERED = "channel_recovered"
OUTAGE = "provider_outage"
#: how the events begin that tell of what has not happened yet
TO_COME = "to-come:"
CONSENTED = "mailbox_authorised"
NOT_TAKEN_IN = "mails_not_taken_in"
NOTHING_FETCHED = "channel_fetches_nothing"


def is_reconnecting(channel: Channel) -> bool:
    """Whether signing in at the provider again mends what stands at this channel."""
    return (
        channel.is_authorised_by_a_person
        and channel.error_code in CODES
        and CODES[channel.error_code].kind is CredentialProblem
    )


def tell(channel: Channel, kind: str, event: str) -> None:
    """Everyone with access to the administration, once for each event."""
    tell_everyone_with_access(
        channel.administration,
        kind=kind,
        event=f"{channel.pk}:{event}",
        subject_id=channel.pk,
        message=_message(channel, kind),
    )


def tell_nothing_fetched(channel: Channel) -> int:
    """Those who manage the channel, once for each time that it fails."""
    return tell_administrators(
        channel.administration,
        kind=NOTHING_FETCHED,
        event=f"{channel.pk}:nothing:{channel.failing_since:%Y%m%d%H%M%S%f}",
        subject_id=channel.pk,
        message=_message(channel, NOTHING_FETCHED),
    )


def tell_consented(channel: Channel, account: str, event: str, *, active: bool) -> None:
    """Those who manage the channel: somebody else authorised it with a link."""
    said = {}
    for language in ("nl", "en"):
        with translation.override(language):
            text = (
                _("%(account)s authorised channel %(channel)s. It retrieves documents again.")
                if active
                else _("%(account)s authorised channel %(channel)s. Open it and choose Save to finish.")
            )
            said[f"text_{language}"] = text % {"account": account, "channel": channel.name}
            said[f"subject_{language}"] = subjects.subject(channel, CONSENTED)
            said[f"action_{language}"] = _("Open channel")
    path = reverse("channel-edit", args=[channel.administration_id, channel.pk])
    tell_administrators(
        channel.administration,
        kind=CONSENTED,
        event=f"{channel.pk}:{event}",
        subject_id=channel.pk,
        message=Message(path=path, **said),
    )


def close(channel: Channel, *kinds: str) -> int:
    """Returns how many open notifications this ended. A warning of what is to come (channels.reminders) stays."""
    return close_about(channel.pk, list(kinds), keeping=f"{channel.pk}:{TO_COME}")


def close_all(channels: QuerySet[Channel], kind: str) -> int:
    """The same for many channels in one statement."""
    return close_about_all(channels.order_by().values("pk"), kind)


def settle_not_taken_in(channel: Channel) -> None:
    """One notice while any mail stands as not taken in; it is over when none does."""
    first = ReceivedMail.objects.filter(channel=channel, standing=True).order_by("failing_since", "id").first()
    about = Notification.objects.filter(subject_id=channel.pk, kind=NOT_TAKEN_IN, closed_at=None)
    if first is None:
        close_about(channel.pk, [NOT_TAKEN_IN])
    elif not about.exists():
        tell(channel, NOT_TAKEN_IN, f"not-taken-in:{first.failing_since or timezone.now():%Y%m%d%H%M%S%f}")


def open_about(channel_id: OuterRef) -> Exists:
    """Whether anything is told of it that is not over: what close() may end."""
    return Exists(Notification.objects.filter(subject_id=channel_id, closed_at=None))


def _message(channel: Channel, kind: str) -> Message:
    names = {"administration_id": channel.administration_id, "channel_id": channel.pk}
    listing = reverse("channels", kwargs={"administration_id": channel.administration_id})
    mends = kind in (ATTENTION, DEACTIVATED) or (kind == NOTHING_FETCHED and not is_ours(channel.error_code))
    reconnects = mends and is_reconnecting(channel)
    said = {}
    for language in ("nl", "en"):
        with translation.override(language):
            said[f"text_{language}"] = _text(channel, kind)
            said[f"subject_{language}"] = subjects.subject(channel, kind)
            said[f"action_{language}"] = _action(kind, mends=mends, reconnects=reconnects)
    mending = reverse("channel-connect" if reconnects else "channel-edit", kwargs=names)
    shown = reverse("not-taken-in", kwargs=names) if kind == NOT_TAKEN_IN else listing
    return Message(path=mending if mends else shown, **said)


def _action(kind: str, *, mends: bool, reconnects: bool) -> str:
    if kind == NOT_TAKEN_IN:
        return _("Show emails")
    if mends:
        return _("Reconnect") if reconnects else _("Fix")
    return _("Show channels")


def _text(channel: Channel, kind: str) -> str:
    detail = {name: value for name, value in channel.error_detail.items() if name != "said"}  # everybody reads this
    cause = phrases.about(channel, channel.error_code, detail) if channel.error_code else None
    said = {
        "channel": channel.name,
        "host": channel.host,
        "since": _moment(channel, kind),
        "cause": f"{cause.text} {cause.next_step}".strip() if cause else "",
    }
    return _template(kind) % said


def _template(kind: str) -> str:
    if kind == DEACTIVATED:
        return _(
            "Channel %(channel)s is inactive since %(since)s. Fetching failed five times in a row. %(cause)s "
            "New emails are probably waiting."
        )
    if kind == ATTENTION:
        return _("Channel %(channel)s needs your attention since %(since)s. %(cause)s")
    if kind == NOT_TAKEN_IN:
        return _("Look which emails of channel %(channel)s are not taken in, and why. Most are tried again.")
    if kind == NOTHING_FETCHED:
        return _("Channel %(channel)s has fetched nothing since %(since)s. %(cause)s")
    if kind == RECOVERED:
        return _("Channel %(channel)s works again. Everything that was waiting is being fetched.")
    return _("You need to do nothing. %(host)s has had an outage since %(since)s; we keep trying.")


def _moment(channel: Channel, kind: str) -> str:
    moment = channel.inactive_since if kind == DEACTIVATED else channel.failing_since
    return formats.date_format(timezone.localtime(moment or timezone.now()), "DATETIME_FORMAT")
