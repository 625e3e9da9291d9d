"""What the ledger knows of a number, and whether the number is still that mail's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from channels.mailboxes.base import MessageRef
from channels.models import Channel, ReceivedMail

State = ReceivedMail.State
TAKEN_IN: Final = (State.DELIVERED, State.ALREADY, State.IGNORED)
#: what these rows say is of bytes that we hold: whether a number is still their mail's, the hash decides
HAD: Final = (*TAKEN_IN, State.QUARANTINED)
#: In these states what is to be done after taking in is owed until the server confirmed it.
OWING: Final = (State.DELIVERED, State.ALREADY, State.QUARANTINED)
#: and of what a rule left out that is to be marked as read
OWED: Final = Q(state__in=OWING) | Q(state=State.IGNORED, error_detail__rule_marks_read=1)
#: Their mails are to come, or stand as not taken in.
UNSETTLED: Final = Q(standing=True) | Q(next_try_at__isnull=False)
#: After so many false alarms over a mail, its server's word is taken only each so many times: about once a day.
_FALSE_ALARMS: Final = 3
_HALF_HOURS: Final = 48

#: MessageRef.validity of the Gmail API
GMAIL: Final = "gmail"
_LOOKED_UP_AT_ONCE: Final = 500

Key = tuple[str, str]


def key_of(mail: MessageRef | ReceivedMail) -> Key:
    return mail.validity, mail.uid


def ledger_rows(channel: Channel) -> QuerySet[ReceivedMail]:
    """What we know of the mailbox that the channel points at now."""
    return ReceivedMail.objects.filter(
        channel=channel, mailbox=channel.mailbox, folder=channel.watched_folder, former=0
    )


def had_in_other_folders(channel: Channel, refs: Iterable[MessageRef]) -> set[str]:
    """The uids of mails that were taken in from another folder of the channel before they came into this one.

    A mail that is moved or copied keeps its date and size (RFC 3501 6.4.7); Gmail's id is the same under each label.
    More mails with one date and size than were taken in: none of them is known. Only what people are told rests on
    this: a mail that is fetched is known by its hash.
    """
    left = [ref for ref in refs if ref.arrived or ref.validity == GMAIL] if channel.other_folders else []
    known: Counter[tuple[object, object]] = Counter()
    for start in range(0, len(left), _LOOKED_UP_AT_ONCE):
        some = left[start : start + _LOOKED_UP_AT_ONCE]
        by_id = Q(validity=GMAIL, uid__in=[ref.uid for ref in some])
        rows = ReceivedMail.objects.filter(
            by_id | Q(arrived__in={ref.arrived for ref in some} - {None}),
            channel=channel, mailbox=channel.mailbox, folder__in=channel.other_folders, state__in=TAKEN_IN,
        )  # fmt: skip
        known.update({row.pk: _alike(row, row.listed_size) for row in rows}.values())
    listed = Counter(_alike(ref, ref.size) for ref in left)
    return {ref.uid for ref in left if listed[_alike(ref, ref.size)] <= known[_alike(ref, ref.size)]}


def _alike(mail: MessageRef | ReceivedMail, size: int | None) -> tuple[object, object]:
    return (GMAIL, mail.uid) if mail.validity == GMAIL else (mail.arrived, size)


def rows_of(channel: Channel, refs: Iterable[MessageRef], **fields: Any) -> list[ReceivedMail]:
    """New rows of mails that were only listed."""
    return [
        ReceivedMail(
            administration_id=channel.administration_id, channel=channel, mailbox=channel.mailbox,
            folder=channel.watched_folder, validity=ref.validity, uid=ref.uid, size=ref.size or 0,
            listed_size=ref.size, arrived=ref.arrived, **fields,
        )
        for ref in refs
    ]  # fmt: skip


def owes_flag(row: ReceivedMail) -> bool:
    """What is to be done after taking it in was not confirmed. The same as OWED, of one row."""
    is_owing = row.state in OWING or (row.was_left_out and bool(row.error_detail.get("rule_marks_read")))
    return is_owing and not row.acknowledged


def act_on(channel: Channel, row: ReceivedMail) -> Channel.After:
    """What is owed to this mail at the provider; what a rule leaves out is marked as read, or nothing."""
    if not channel.marks_read:
        return Channel.After.LEAVE
    return Channel.After.MARK_READ if row.was_left_out else Channel.After(channel.after)


def want(channel: Channel, refs: Iterable[MessageRef]) -> None:
    """The next fetch takes them, read or not; what the ledger knows already stays as it is."""
    rows = rows_of(channel, refs, state=State.WANTED, next_try_at=timezone.now())
    ReceivedMail.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    channel.is_settled = False


def is_doubtful(row: ReceivedMail, ref: MessageRef) -> bool:
    """The server states another size or date for this number than before: it may be another mail's by now."""
    is_believed = row.false_alarms < _FALSE_ALARMS or row.false_alarms == _HALF_HOURS
    return is_believed and states_otherwise(row, ref)


def states_otherwise(row: ReceivedMail, ref: MessageRef) -> bool:
    stated = ((row.listed_size, ref.size), (row.arrived, ref.arrived))
    return any(None not in pair and pair[0] != pair[1] for pair in stated)


def can_learn(row: ReceivedMail, ref: MessageRef) -> bool:
    """The server states what the row does not know yet."""
    return (row.listed_size is None and ref.size is not None) or (row.arrived is None and ref.arrived is not None)


def learn(row: ReceivedMail, ref: MessageRef, *, same: bool = False) -> None:
    """`same`: of a mail that was taken in. What the server states otherwise of it is then a false alarm."""
    if same and states_otherwise(row, ref):
        row.false_alarms = row.false_alarms + 1 if row.false_alarms < _HALF_HOURS else _FALSE_ALARMS
    row.listed_size = row.listed_size if ref.size is None else ref.size
    row.arrived = row.arrived if ref.arrived is None else ref.arrived


def retire(row: ReceivedMail) -> None:
    """It keeps its history, and its number is free for another mail."""
    _retire(ReceivedMail.objects.filter(pk=row.pk), _ever(row).filter(uid=row.uid))


def retire_all(channel: Channel, validity: str) -> None:
    """The same for every mail that we had under this UIDVALIDITY."""
    rows = ledger_rows(channel).filter(validity=validity).exclude(raw_sha256="", content_sha256="")
    if (one := rows.first()) is not None:
        _retire(rows, _ever(one))


def _ever(row: ReceivedMail) -> QuerySet[ReceivedMail]:
    return ReceivedMail.objects.filter(
        channel_id=row.channel_id, mailbox=row.mailbox, folder=row.folder, validity=row.validity
    )


def _retire(rows: QuerySet[ReceivedMail], ever: QuerySet[ReceivedMail]) -> None:
    last: int = ever.aggregate(last=Max("former"))["last"] or 0
    rows.update(former=last + 1)
