"""Who is told what about a channel, and where they can mend it. The words: channels/words/notices.py."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils import timezone

from channels.errors import CODES, CredentialProblem, is_ours
from channels.models import Channel, ReceivedMail
from channels.words import notices as words
from channels.words import silence
from channels.words.notices import Kind
from notifications.models import Notification
from notifications.services import (
    Message,
    Said,
    close_about,
    close_about_all,
    close_event,
    in_both_languages,
    tell_administrators,
    tell_everyone_with_access,
)

#: how the events begin that tell of what has not happened yet
TO_COME = "to-come:"


def is_reconnecting(channel: Channel) -> bool:
    """Whether signing in at the provider again mends what stands at this channel."""
    return (
        channel.is_authorised_by_a_person
        and channel.error_code in CODES
        and CODES[channel.error_code].kind is CredentialProblem
    )


def tell(channel: Channel, kind: Kind, event: str, begun: datetime | None = None) -> None:
    """Everyone with access to the administration, once for each event. `begun`: where the channel does not say it."""
    tell_everyone_with_access(
        channel.administration,
        kind=kind,
        event=f"{channel.pk}:{event}",
        subject_id=channel.pk,
        message=_message(channel, kind, begun),
    )


def tell_nothing_fetched(channel: Channel) -> int:
    """Those who manage the channel, once for each time that it fails."""
    return tell_administrators(
        channel.administration,
        kind=Kind.NOTHING_FETCHED,
        event=f"{channel.pk}:nothing:{channel.failing_since:%Y%m%d%H%M%S%f}",
        subject_id=channel.pk,
        message=_message(channel, Kind.NOTHING_FETCHED),
    )


def tell_silent(channel: Channel) -> int:
    """Those who manage the channel, once for each time that it falls silent."""
    today = timezone.localdate()

    def say() -> Said:
        return Said(silence.subject(channel), *silence.text(channel, today), words.action(Kind.SILENT))

    return tell_administrators(
        channel.administration,
        kind=Kind.SILENT,
        event=f"{channel.pk}:silent:{channel.silent_since:%Y%m%d}",
        subject_id=channel.pk,
        message=in_both_languages(reverse("channels", args=[channel.administration_id]), say),
    )


def tell_consented(channel: Channel, account: str, event: str, *, active: bool) -> None:
    """Those who manage the channel: somebody else authorised it with a link."""

    def say() -> Said:
        told = words.consented(channel, account, active=active)
        return Said(words.subject(channel, Kind.CONSENTED), *told, words.action(Kind.CONSENTED))

    path = reverse("channel-edit", args=[channel.administration_id, channel.pk])
    tell_administrators(
        channel.administration,
        kind=Kind.CONSENTED,
        event=f"{channel.pk}:{event}",
        subject_id=channel.pk,
        message=in_both_languages(path, say),
    )


def close(channel: Channel, *kinds: Kind) -> int:
    """Returns how many open notifications this ended. A warning of what is to come (channels.reminders) stays."""
    return close_about(channel.pk, list(kinds), keeping=f"{channel.pk}:{TO_COME}")


def close_everything(channel: Channel) -> int:
    """It is erased: nothing of it is the matter any more, and nothing of it will be."""
    return close_event(channel.pk, "")


def close_all(channels: QuerySet[Channel], kind: Kind) -> int:
    """The same for many channels in one statement."""
    return close_about_all(channels.order_by().values("pk"), kind)


def settle_not_taken_in(channel: Channel) -> None:
    """One notice while any mail stands as not taken in; it is over when none does."""
    first = ReceivedMail.objects.filter(channel=channel, standing=True).order_by("failing_since", "id").first()
    about = Notification.objects.filter(subject_id=channel.pk, kind=Kind.NOT_TAKEN_IN, closed_at=None)
    if first is None:
        close_about(channel.pk, [Kind.NOT_TAKEN_IN])
    elif not about.exists():
        begun = first.failing_since or timezone.now()
        tell(channel, Kind.NOT_TAKEN_IN, f"not-taken-in:{begun:%Y%m%d%H%M%S%f}", begun)


def open_about(channel_id: OuterRef) -> Exists:
    """Whether anything is told of it that is not over: what close() may end."""
    return Exists(Notification.objects.filter(subject_id=channel_id, closed_at=None))


def _message(channel: Channel, kind: Kind, begun: datetime | None = None) -> Message:
    names = {"administration_id": channel.administration_id, "channel_id": channel.pk}
    listing = reverse("channels", kwargs={"administration_id": channel.administration_id})
    mends = kind in (Kind.ATTENTION, Kind.DEACTIVATED) or (
        kind == Kind.NOTHING_FETCHED and not is_ours(channel.error_code)
    )
    reconnects = mends and is_reconnecting(channel)

    def say() -> Said:
        action = words.action(kind, mends=mends, reconnects=reconnects)
        return Said(
            words.subject(channel, kind), words.what(channel, kind, begun), words.next_step(channel, kind), action
        )

    mending = reverse("channel-connect" if reconnects else "channel-edit", kwargs=names)
    shown = reverse("not-taken-in", kwargs=names) if kind == Kind.NOT_TAKEN_IN else listing
    return in_both_languages(mending if mends else shown, say)
