"""What would be erased, how much that is, and what stands in the way. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Max, QuerySet
from django.utils import timezone

from administrations import retention
from administrations.access import environments_of, people_of_environment
from administrations.models import Administration, Environment, User
from channels.models import Channel
from documents.models import Document, Email
from leaving.models import Erasure
from zenvoices.lib import database_clock
from zenvoices.lib.scoping import every_administration

Kind = Erasure.Kind
Target = Administration | Environment | User


@dataclass(frozen=True)
class Plan:
    """`refusal`: a code of leaving.words, "" when it may go on. `kept_until`: the law asks until then that somebody
    keeps the documents, so that whoever asks must say that they do."""

    kind: Kind
    target: Target
    name: str
    counts: dict[str, int]
    refusal: str = ""
    kept_until: date | None = None
    environment: Environment | None = None
    administrations: Sequence[Administration] = ()
    before: datetime | None = None


def again(plan: Plan) -> Plan:
    """As it stands now."""
    if isinstance(plan.target, User):
        return of_person(plan.target, plan.environment)
    if isinstance(plan.target, Environment):
        return of_environment(Environment.objects.get(pk=plan.target.pk))
    found = Administration.objects.select_related("environment").get(pk=plan.target.pk)
    return of_documents(found) if plan.kind == Kind.DOCUMENTS else of_administration(found)


def of_administration(administration: Administration) -> Plan:
    return Plan(
        Kind.ADMINISTRATION,
        administration,
        administration.name,
        _counts([administration]),
        _held([administration]),
        _kept_until([administration]),
        administration.environment,
        [administration],
    )


def of_environment(environment: Environment) -> Plan:
    """With the people who are in no other."""
    all_of_it = list(environment.administrations.all())
    counts = {"administrations": len(all_of_it), **_counts(all_of_it), "people": only_in(environment).count()}
    return Plan(
        Kind.ENVIRONMENT,
        environment,
        environment.name,
        counts,
        _held(all_of_it),
        _kept_until(all_of_it),
        environment,
        all_of_it,
    )


def of_person(person: User, environment: Environment | None = None) -> Plan:
    """`environment`: whose Beheerder asks; without, it is they themselves."""
    places = {one.pk for one in environments_of(person)}
    refusal = ""
    if environment and places - {environment.pk}:
        refusal = "elsewhere_too"
    elif any(_is_last(person, place) for place in environments_of(person)):
        refusal = "last_administrator"
    return Plan(Kind.PERSON, person, person.email, {}, refusal, environment=environment)


def of_documents(administration: Administration) -> Plan:
    """Those that outlived their term."""
    before = retention.term_began(administration)
    with every_administration():
        documents, mails = past_term(administration, before)
        counts = {"documents": documents.count(), "emails": mails.count()}
    refusal = _held([administration]) or ("" if any(counts.values()) else "nothing_past_term")
    place = administration.environment
    return Plan(
        Kind.DOCUMENTS,
        administration,
        administration.name,
        counts,
        refusal,
        None,
        place,
        [administration],
        before,
    )


def past_term(administration: Administration, before: datetime) -> tuple[QuerySet[Document], QuerySet[Email]]:
    """To be called in a scope that sees it."""
    rows = {"administration": administration, "received_at__lt": before}
    return Document.objects.filter(**rows), Email.objects.filter(**rows)


def years_past_term(administration: Administration) -> Iterator[tuple[int, int]]:
    """Of each year how many documents outlived their term; to be called in its scope."""
    documents, _ = past_term(administration, retention.term_began(administration))
    for year in documents.datetimes("received_at", "year"):
        yield year.year, documents.filter(received_at__year=year.year).count()


def only_in(environment: Environment) -> QuerySet[User]:
    """Its people who are in no other environment; of the portal's operators nobody."""
    others = Environment.objects.exclude(pk=environment.pk)
    return (
        people_of_environment(environment)
        .exclude(environment_admin__environment__in=others)
        .exclude(administration_access__administration__environment__in=others)
        .exclude(is_superuser=True)
    )


def _is_last(person: User, place: Environment) -> bool:
    if not place.admins.filter(user=person).exists():
        return False
    return not place.admins.exclude(user=person).filter(user__is_active=True).exists()


def _counts(administrations: Sequence[Administration]) -> dict[str, int]:
    with every_administration():
        return {
            "documents": Document.objects.filter(administration__in=administrations).count(),
            "emails": Email.objects.filter(administration__in=administrations).count(),
            "channels": Channel.objects.filter(administration__in=administrations, deleted_at=None).count(),
        }


def _held(administrations: Sequence[Administration]) -> str:
    return "held" if any(one.held_since for one in administrations) else ""


def _kept_until(administrations: Sequence[Administration]) -> date | None:
    """The last day of the longest term that still runs. What somebody deleted by hand has none."""
    today = timezone.localdate(database_clock.now())
    ends = [end for one in administrations if (end := _end_of(one)) is not None]
    return max((end for end in ends if end >= today), default=None)


def _end_of(administration: Administration) -> date | None:
    with every_administration():
        documents = Document.objects.filter(administration=administration, deleted_at=None)
        mails = Email.objects.filter(administration=administration)
        newest = [rows.aggregate(newest=Max("received_at"))["newest"] for rows in (documents, mails)]
    known = [moment for moment in newest if moment is not None]
    return retention.kept_until(administration, max(known)) if known else None
