"""What the ledger knows of a number, and whether the number is still that mail's."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Length

from channels.mailboxes.base import MessageRef
from channels.models import Channel, ReceivedMail

State = ReceivedMail.State
TAKEN_IN: Final = (State.DELIVERED, State.ALREADY, State.IGNORED)
#: what these rows say is of bytes that we hold: whether a number is still their mail's, the hash decides
HAD: Final = (*TAKEN_IN, State.QUARANTINED)
#: In these states our \Seen flag is owed until the server confirmed it.
OWING: Final = (State.DELIVERED, State.ALREADY, State.QUARANTINED)
#: a server that so often stated something else of the same mail is believed no more
_FALSE_ALARMS: Final = 3

Key = tuple[str, str]


def key_of(mail: MessageRef | ReceivedMail) -> Key:
    return mail.validity, mail.uid


def ledger_rows(channel: Channel) -> QuerySet[ReceivedMail]:
    """What we know of the mailbox that the channel points at now."""
    return ReceivedMail.objects.filter(
        channel=channel, mailbox=channel.mailbox, folder=channel.watched_folder, former=0
    )


def is_doubtful(row: ReceivedMail, ref: MessageRef) -> bool:
    """The server states another size or date for this number than before: it may be another mail's by now."""
    return row.false_alarms < _FALSE_ALARMS and states_otherwise(row, ref)


def states_otherwise(row: ReceivedMail, ref: MessageRef) -> bool:
    stated = ((row.listed_size, ref.size), (row.arrived, ref.arrived))
    return any(None not in pair and pair[0] != pair[1] for pair in stated)


def can_learn(row: ReceivedMail, ref: MessageRef) -> bool:
    """The server states what the row does not know yet."""
    return (row.listed_size is None and ref.size is not None) or (row.arrived is None and ref.arrived is not None)


def learn(row: ReceivedMail, ref: MessageRef) -> None:
    row.listed_size = row.listed_size if ref.size is None else ref.size
    row.arrived = row.arrived if ref.arrived is None else ref.arrived


def retire(row: ReceivedMail) -> None:
    """It keeps its history, and its number is free for another mail."""
    everything = _everything(row.channel_id, row.mailbox, row.folder, row.validity)
    row.former = 1 + _last_former(everything.filter(uid=row.uid))
    row.save(update_fields=["former"])


def retire_from(channel: Channel, validity: str, first: int) -> None:
    """The same for every mail that we had under this IMAP number or a higher one."""
    everything = _everything(channel.pk, channel.mailbox, channel.watched_folder, validity)
    digits = str(first)
    higher = Q(digits__gt=len(digits)) | Q(digits=len(digits), uid__gte=digits)
    rows = everything.annotate(digits=Length("uid")).filter(higher, former=0).exclude(raw_sha256="")
    rows.update(former=1 + _last_former(everything))


def _everything(channel_id: UUID, mailbox: int, folder: str, validity: str) -> QuerySet[ReceivedMail]:
    return ReceivedMail.objects.filter(channel_id=channel_id, mailbox=mailbox, folder=folder, validity=validity)


def _last_former(rows: QuerySet[ReceivedMail]) -> int:
    return rows.aggregate(last=Max("former"))["last"] or 0
