"""What somebody asks of a channel's fetches and mails: now, once more, no longer. Views queue what is to be fetched."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from administrations import audit
from administrations.models import User
from channels import notices
from channels.fetching import parts
from channels.models import Channel, FetchRun, ReceivedMail, ReceivedPart
from documents import moving
from documents import services as documents
from documents.models import Document


def hold(channel_id: UUID) -> None:
    """Within a transaction: no fetch of it writes until it ends. Before its mails are locked, as a fetch does."""
    Channel.objects.select_for_update().get(pk=channel_id)


@transaction.atomic
def request_fetch(channel: Channel, by: User | None) -> FetchRun:
    """A fetch by hand; the one that is already queued or running if there is one."""
    hold(channel.pk)  # two clicks at once make one run
    open_run = channel.runs.filter(finished_at=None).first()
    return open_run or FetchRun.objects.create(
        administration_id=channel.administration_id, channel=channel, trigger=FetchRun.Trigger.MANUAL, started_by=by
    )


def new_manual_run(channel: Channel) -> FetchRun:
    """For the foreground command: a run of its own, also while another fetches (it then ends as busy)."""
    return FetchRun.objects.create(
        administration_id=channel.administration_id, channel=channel, trigger=FetchRun.Trigger.MANUAL
    )


def _as_it_stands(mail: ReceivedMail) -> None:
    """A page showed it some time ago; a fetch that is under way may have taken it in since."""
    hold(mail.channel_id)
    mail.refresh_from_db(from_queryset=ReceivedMail.objects.select_related("channel__administration"))


@transaction.atomic
def retry_mail(mail: ReceivedMail, by: User | None) -> bool:
    """*Opnieuw proberen*, *toch ophalen*: the next fetch takes this mail, read or not, large or not, whatever the rules
    of the channel say. False: there is nothing to try any more, as `mail` says by then.
    """
    _as_it_stands(mail)
    if not mail.can_be_tried:
        return False
    ask_for(ReceivedMail.objects.filter(pk=mail.pk), despite_rules=True)
    note_mails("channel.mails_asked_for", mail.channel, 1, by)
    return True


@transaction.atomic
def retry_not_taken_in(channel: Channel, by: User | None) -> FetchRun:
    """*Alles opnieuw proberen*: the same for every mail that was not taken in, at once."""
    hold(channel.pk)
    count = ask_for(ReceivedMail.objects.filter(channel=channel, standing=True))
    note_mails("channel.mails_asked_for", channel, count, by)
    return request_fetch(channel, by)


def note_mails(code: str, channel: Channel, count: int, by: User | None) -> None:
    audit.note(code, channel.administration, channel, by=by, after={"mails": count})


def ask_for(mails: QuerySet[ReceivedMail], **fields: Any) -> int:
    """The next fetch takes them. Returns how many."""
    return mails.update(
        state=ReceivedMail.State.WANTED, attempts=0, acknowledged=False,
        failing_since=None, next_try_at=timezone.now(), **fields,
    )  # fmt: skip


@transaction.atomic
def leave_out(mail: ReceivedMail, by: User | None) -> bool:
    """*Niet meer nodig*: somebody dealt with this mail in another way, and nobody waits for it any more. A fetch that
    has it under way takes nothing in. False: it stands as not taken in no more, as `mail` says by then.
    """
    _as_it_stands(mail)
    if not mail.standing:
        return False
    ReceivedMail.objects.filter(pk=mail.pk).update(
        state=ReceivedMail.State.IGNORED, standing=False, failing_since=None, next_try_at=None
    )
    notices.settle_not_taken_in(mail.channel)
    note_mails("channel.mails_left_out", mail.channel, 1, by)
    return True


@transaction.atomic
def take_read_elsewhere(run: FetchRun, by: User | None) -> FetchRun:
    """*Alsnog ophalen*: the mails that were read before we came. Of a run that ended: one that goes on writes them."""
    hold(run.channel_id)
    run.refresh_from_db(fields=["read_elsewhere_uids"])  # two clicks ask once
    ReceivedMail.objects.bulk_create(
        (
            ReceivedMail(
                administration_id=run.administration_id, channel=run.channel, run=run,
                mailbox=run.channel.mailbox, folder=folder[0] if folder else run.channel.watched_folder,
                validity=validity, uid=uid, state=ReceivedMail.State.WANTED, next_try_at=timezone.now(),
            )
            for validity, uid, *folder in run.read_elsewhere_uids
        ),
        ignore_conflicts=True,
    )  # fmt: skip
    note_mails("channel.mails_asked_for", run.channel, len(run.read_elsewhere_uids), by)
    run.read_elsewhere_uids = []
    run.save(update_fields=["read_elsewhere_uids"])
    return request_fetch(run.channel, by)


def take_part(part: ReceivedPart, by: User | None) -> Document:
    """*Toch ophalen*: makes a document of a part that was left out, or brings its deleted one back.

    Asking twice gives the same document. It is decoded and stored before the database is asked to wait.
    """
    part = ReceivedPart.objects.select_related("mail__email").get(pk=part.pk)
    if part.mail.email is None or not (part.can_be_taken or part.document_id):
        raise LookupError("this part cannot be taken")
    stored = parts.store_again(part, part.mail.email.raw_sha256)
    with transaction.atomic():
        locked = ReceivedPart.objects.select_for_update(of=("self",))
        part = locked.select_related("document__move", "mail__email", "mail__channel").get(pk=part.pk)
        if part.document is None:
            made = parts.make_document(part, stored)
            audit.note("document.taken", part.mail.channel.administration, made, by=by)
            return made
        if stored.sha256 != part.document.sha256 or moving.gone(part.document):
            raise LookupError("the mail reads otherwise now")
        documents.bring_back(part.document)  # its bytes may have been swept since
        audit.note("document.restored", part.mail.channel.administration, part.document, by=by)
        return part.document
