"""One forwarded document as an e-mail, and what became of it."""

from __future__ import annotations

from smtplib import SMTPException

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _

from documents import forwards, storage
from documents.forward_models import Forward
from documents.models import XML_TYPES, Document
from notifications.outgoing import NotReached, answers_of, message_id, reached

log = structlog.get_logger(__name__)


def send_due(most: int) -> int:
    """How many left. To be called in `every_administration`. Without a mail server it ends at once."""
    forwards.close_dead_claims()
    sent = 0
    for forward_id in forwards.due(most):
        forward = forwards.claim(forward_id)
        try:
            sent += forward is not None and _send(forward)
        except NotReached:
            break
    return sent


def _send(forward: Forward) -> bool:
    """Raises NotReached."""
    if problem := forwards.problem_before(forward):
        forwards.settle(forward, problem)
        return False
    try:
        message = _message(forward)
    except storage.BlobMissing:
        forwards.settle(forward, "file_missing")
        return False
    except storage.StorageProblem:
        forwards.later(forward)
        return False
    return _given(forward, message)


def _given(forward: Forward, message: EmailMessage) -> bool:
    """Raises NotReached."""
    try:
        with reached() as message.connection:
            message.send()
    except NotReached:
        forwards.later(forward)
        raise
    except (SMTPException, OSError) as failure:
        _settle_failure(forward, failure)
        return False
    forwards.settle(forward)
    return True


def _settle_failure(forward: Forward, failure: Exception) -> None:
    codes = answers_of(failure)
    log.warning("a document was not forwarded", forward=str(forward.pk), reason=type(failure).__name__, answers=codes)
    if not all(codes):
        forwards.settle(forward, "uncertain")
    elif all(400 <= code < 500 for code in codes):  # RFC 5321 4.2.1: passes by itself
        forwards.later(forward)
    else:
        forwards.settle(forward, "refused")


def _message(forward: Forward) -> EmailMessage:
    """Raises BlobMissing, StorageProblem."""
    document, person = forward.document, forward.asked_by
    with translation.override((person and person.language) or settings.LANGUAGE_CODE):
        words = {"person": person, "administration": forward.administration}
        body = _("%(person)s forwards this document of %(administration)s.") % words
    message = EmailMessage(
        subject=" ".join(document.filename.split()),
        body=body,
        to=[forward.to.address],
        headers={"Message-ID": message_id(f"forward.{forward.pk.hex}")},
    )
    for file in _files(document):
        message.attach(file.filename, _bytes(file), _kind(file))
    return message


def _kind(file: Document) -> str:
    """Texts and mails would be written anew with another encoding or line ends: they travel as bytes."""
    if file.content_type in XML_TYPES:
        return "application/xml"
    return file.content_type if file.content_type.startswith(("application/", "image/")) else "application/octet-stream"


def _files(document: Document) -> list[Document]:
    other = document.companion
    return [document, other] if other and other.deleted_at is None else [document]


def _bytes(file: Document) -> bytes:
    with storage.open_blob(file.administration_id, file.sha256) as blob:
        return blob.read()
