"""The life of a question: asked, answered any number of times, and over when its maker may not ask it any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.core.files.uploadedfile import UploadedFile
from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from administrations import audit, rights
from administrations.models import Administration, Environment, User
from documents.asking.question import Question
from documents.uploads import Result, take_in
from zenvoices.lib import links
from zenvoices.lib.scoping import every_administration

DAYS: Final = 30
#: what one link may bring
MOST_FILES: Final = 50
MOST_BYTES: Final = 250_000_000


class Closed(Exception):
    """It cannot be answered any more."""


class Full(Exception):
    """It brought as much as it may."""


@transaction.atomic
def ask(administration: Administration, text: str, email: str, by: User) -> tuple[Question, str]:
    """The question, and the token in its link: only the hash is kept."""
    token = links.new_token()
    question = Question.objects.create(
        administration=administration, text=text, email=email, created_by=by, token_sha256=links.hashed(token),
        expires_at=timezone.now() + timedelta(days=DAYS),
    )  # fmt: skip
    audit.note("question.asked", administration, question, by=by)
    return question, token


@transaction.atomic
def withdraw(question: Question, by: User) -> None:
    if Question.objects.filter(pk=question.pk, withdrawn_at=None).update(withdrawn_at=timezone.now()):
        audit.note("question.withdrawn", question.administration, question, by=by)


def right_lost(environment: Environment, person: User) -> None:
    """Ends for good what they may ask no more: a right that comes back opens none (administrations.rights)."""
    with every_administration():
        asked = Question.objects.filter(created_by=person, administration__environment=environment, withdrawn_at=None)
        over = [one.pk for one in asked.select_related("administration") if not _may_ask(one)]
        Question.objects.filter(pk__in=over).update(withdrawn_at=timezone.now())


def question_for(token: str) -> Question | None:
    """With its administration, environment and maker."""
    with every_administration():
        return _whole().filter(token_sha256=links.hashed(token)).first()


def closed_because(question: Question) -> str:
    """ "" while it can be answered."""
    place = question.administration
    if question.withdrawn_at is not None or place.erasing_since or place.environment.erasing_since:
        return "withdrawn"
    if not _may_ask(question):
        return "right_lost"
    return "expired" if question.expires_at <= timezone.now() else ""


def opened(question: Question) -> None:
    Question.objects.filter(pk=question.pk, opened_at=None).update(opened_at=timezone.now())


def answer(question: Question, files: Sequence[UploadedFile]) -> list[Result]:
    """To be called in the scope of its administration. Raises Closed or Full, with nothing taken in."""
    _claim(question, len(files), _size(files))
    results = take_in(question.administration_id, list(files), question)
    refused = [file for file, result in zip(files, results, strict=True) if result.document is None]
    taken = len(files) - len(refused)
    with transaction.atomic():
        counted = Question.objects.filter(pk=question.pk)
        counted.update(files=F("files") - len(refused), bytes=F("bytes") - _size(refused))
        if taken:
            counted.update(answered_at=timezone.now())
            audit.note_guest("question.answered", question.administration, question, after={"documents": taken})
    return results


@transaction.atomic
def _claim(question: Question, files: int, size: int) -> None:
    """Under the lock of the rights it rests on: either may be gone since the page was opened."""
    rights.hold(question.administration.environment_id)
    now = _whole().filter(pk=question.pk).first()
    if now is None or closed_because(now):
        raise Closed
    room = Question.objects.filter(pk=question.pk, files__lte=MOST_FILES - files, bytes__lte=MOST_BYTES - size)
    if not room.update(files=F("files") + files, bytes=F("bytes") + size):
        raise Full


def _size(files: Sequence[UploadedFile]) -> int:
    return sum(file.size or 0 for file in files)


def _whole() -> models.QuerySet[Question]:
    return Question.objects.select_related("administration__environment", "created_by")


def _may_ask(question: Question) -> bool:
    return rights.may_work(question.created_by, question.administration)
