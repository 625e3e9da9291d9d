"""Telling people, exactly once per event."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone, translation
from django.utils.text import Truncator

from administrations.access import administrators_of, people_with_access
from administrations.models import Administration, User
from notifications.models import Notification
from zenvoices.lib import database_clock

#: a claimed e-mail whose worker died, or that was refused, is tried again after this long
EMAIL_CLAIM = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(hours=4)
#: of what is the matter; programs fold a longer header, and people read no further
SUBJECT_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence in both languages; `path` and `action` are where a Beheerder can do something about it.

    `subject`: of the e-mail, with the whole name of what it is about; without one the sentence is it.
    """

    text_nl: str
    text_en: str
    path: str = ""
    action_nl: str = ""
    action_en: str = ""
    subject_nl: str = ""
    subject_en: str = ""
    #: the part of the text that says what to do
    do_nl: str = ""
    do_en: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A message in the language of the moment: what is the matter and since when, then what to do ("" for nothing)."""

    subject: str
    what: str
    do: str
    action: str


def in_both_languages(path: str, say: Callable[[], Said]) -> Message:
    found = {}
    for language in ("nl", "en"):
        with translation.override(language):
            said = say()
        found[f"subject_{language}"], found[f"do_{language}"] = said.subject, said.do
        found[f"text_{language}"], found[f"action_{language}"] = f"{said.what} {said.do}".strip(), said.action
    return Message(path=path, **found)


def tell_everyone_with_access(
    administration: Administration, *, kind: str, event: str, subject_id: UUID | None, message: Message
) -> int:
    """One notification for each person with access. The same `event` tells nobody twice. Returns how many were told.

    Call it in the transaction that makes the event true; the e-mails leave later (notifications.tasks).
    """
    people = people_with_access(administration)
    return _tell(people, administration, kind=kind, event=event, subject_id=subject_id, message=message)


def tell_administrators(
    administration: Administration, *, kind: str, event: str, subject_id: UUID | None, message: Message
) -> int:
    """The same, for the Beheerders only: what nobody else can do anything about."""
    people = administrators_of(administration)
    return _tell(people, administration, kind=kind, event=event, subject_id=subject_id, message=message)


def tell_who_may_act(
    people: Iterable[User], administration: Administration, *, kind: str, event: str, subject_id: UUID | None,
    message: Message,
) -> int:  # fmt: skip
    """The same, for these people, all of whom its path lets in."""
    there = {person.pk: person for person in people}
    return _tell(
        there.values(), administration, kind=kind, event=event, subject_id=subject_id, message=message,
        may_act=set(there),
    )  # fmt: skip


def _tell(
    people: Iterable[User], administration: Administration, *, kind: str, event: str, subject_id: UUID | None,
    message: Message, may_act: set[Any] | None = None,
) -> int:  # fmt: skip
    """`may_act`: who gets the button; else the Beheerders."""
    now = database_clock.now()
    if may_act is None:
        may_act = set(administrators_of(administration).values_list("pk", flat=True))
    rows = [
        Notification(
            administration=administration, user=person, kind=kind, event=event, subject_id=subject_id,
            subject_nl=message.subject_nl, subject_en=message.subject_en,
            text_nl=message.text_nl, text_en=message.text_en, do_nl=message.do_nl, do_en=message.do_en,
            created_at=now, email_due=person.email_notifications,
            **(_action(message) if person.pk in may_act else {}),
        )
        for person in people
    ]  # fmt: skip
    return len(Notification.objects.bulk_create(rows, ignore_conflicts=True))


def _action(message: Message) -> dict[str, str]:
    """Only for those whom the path lets in."""
    return {"path": message.path, "action_nl": message.action_nl, "action_en": message.action_en}


def close_about(subject_id: UUID, kinds: list[str], *, keeping: str = "") -> int:
    """The matter is over: e-mails not yet sent stay unsent. Returns how many open notifications it closed.

    `keeping`: events that begin so are another matter, although of the same kind.
    """
    about = Notification.objects.filter(subject_id=subject_id, kind__in=kinds, closed_at=None)
    if keeping:
        about = about.exclude(event__startswith=keeping)
    return about.update(closed_at=timezone.now(), email_due=False)


def close_about_all(subjects: QuerySet[Any, Any], kind: str) -> int:
    """The same for many subjects at once, given by a query for their ids."""
    about = Notification.objects.filter(subject_id__in=subjects, kind=kind, closed_at=None)
    return about.update(closed_at=timezone.now(), email_due=False)


def close_event(subject_id: UUID, event: str) -> int:
    """The same for the events that begin so."""
    about = Notification.objects.filter(subject_id=subject_id, event__startswith=event, closed_at=None)
    return about.update(closed_at=timezone.now(), email_due=False)


def mark_read(notification: Notification) -> None:
    Notification.objects.filter(pk=notification.pk, read_at=None).update(read_at=timezone.now())


def in_language(notification: Notification, language: str) -> tuple[str, str]:
    """Its sentence and the word on its button."""
    if language.startswith("en"):
        return notification.text_en, notification.action_en
    return notification.text_nl, notification.action_nl


def two_lines(notification: Notification, language: str) -> tuple[str, str]:
    """What is the matter and since when; and what to do, "" where nothing is or it is said in one."""
    text, do = in_language(notification, language)[0], notification.do_nl
    if language.startswith("en"):
        do = notification.do_en
    return " ".join(text.replace(do, " ", 1).split()) if do else text, do


def subject_of(notification: Notification, language: str) -> str:
    """One line; a sentence of our own is never so long that a name in it is cut."""
    said = notification.subject_en if language.startswith("en") else notification.subject_nl
    line = " ".join((said or in_language(notification, language)[0].rstrip(".")).split())
    return f"{Truncator(line).chars(SUBJECT_LENGTH)} · {notification.administration}"


def claim_email(notification_id: UUID, due: datetime) -> bool:
    """One conditional UPDATE: of two workers one sends. `emailed_at` is the claim until the e-mail has left.

    `due`: since when it should have left. Each pause is three times as long as all before it, up to a bound: what is
    refused, or may have been taken by a server that then said nothing, is not sent in numbers.
    """
    now = database_clock.now()
    pause = min(max((now - due) * 3 / 4, EMAIL_CLAIM), LONGEST_PAUSE)
    free = Q(emailed_at=None) | Q(emailed_at__lt=now - pause)
    free |= Q(emailed_at__gt=now + EMAIL_CLAIM)  # by a clock that was ahead
    return bool(Notification.objects.filter(free, pk=notification_id, email_due=True).update(emailed_at=now))


def release_email(notification_id: UUID) -> None:
    Notification.objects.filter(pk=notification_id, email_due=True).update(emailed_at=None)


def settle_email(notification_id: UUID) -> None:
    """It has left, or nobody wants it any more."""
    Notification.objects.filter(pk=notification_id).update(email_due=False, emailed_at=timezone.now())
