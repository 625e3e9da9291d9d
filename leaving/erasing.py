"""Erasing somebody or something: asked for by a person, carried out by a worker, never half.

What is to be erased closes at once, in the transaction that asks for it: nobody enters it, nothing is fetched. The
worker then takes one step after another (leaving.steps); each may be begun again after any crash. A row is never given
up: what stopped is tried again until it is done.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F

from administrations import audit, rights
from administrations.access import environments_of
from administrations.models import Administration, AdministrationAccess, Environment, EnvironmentAdmin, User
from administrations.sessions import end_sessions
from channels.models import Channel
from documents.storage import StorageProblem
from leaving import plans, steps
from leaving.fence import DEAD_AFTER, Superseded, Worker
from leaving.models import Erasure
from leaving.plans import Kind, Plan
from zenvoices.lib import database_clock
from zenvoices.lib.scoping import every_administration

log = structlog.get_logger(__name__)
State = Erasure.State
#: code of a refusal that saying "I keep them myself" lifts; the others no word lifts
TERM = "term"


class Refused(Exception):
    """A hold, a term that runs, somebody who cannot be missed: a code of leaving.words."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@transaction.atomic
def ask(planned: Plan, by: User | None, *, keeps_export: bool = False) -> Erasure:
    """The one that is under way when there is one. The caller queues it after the commit. Raises Refused."""
    _lock(planned)
    if under_way := _open(planned):
        return under_way
    plan = plans.again(planned)
    if plan.refusal:
        raise Refused(plan.refusal)
    if plan.kept_until and not keeps_export:
        raise Refused(TERM)
    erasure = Erasure.objects.create(
        kind=plan.kind, **_named(plan), counts=plan.counts, before=plan.before, asked_by=by,
        overrode=plan.kept_until is not None,
        administration_ids=[str(one.pk) for one in plan.administrations],
        people_ids=_people(plan),
    )  # fmt: skip
    facts = plan.counts | ({"kept_until": plan.kept_until.isoformat()} if plan.kept_until else {})
    audit.note("erasure.asked", steps.place_of(erasure), by=by, after={"kind": str(plan.kind), **facts})
    with every_administration():
        _close(plan, by)
    return erasure


def _lock(plan: Plan) -> None:
    """No role, hold or other erasure of it changes until this transaction ends."""
    places = [plan.environment] if plan.environment else list(environments_of(plan.target))  # type: ignore[arg-type]
    for place in sorted({one.pk for one in places}):
        rights.hold(place)
    list(Administration.objects.select_for_update().filter(pk__in=[one.pk for one in plan.administrations]))
    if isinstance(plan.target, User):
        list(User.objects.select_for_update().filter(pk=plan.target.pk))


def _named(plan: Plan) -> dict[str, Any]:
    if plan.kind == Kind.PERSON:
        return {"person": plan.target, "environment": plan.environment}
    if plan.kind == Kind.ENVIRONMENT:
        return {"environment": plan.target}
    return {"administration": plan.target, "environment": plan.environment}


def _open(plan: Plan) -> Erasure | None:
    named = _named(plan)
    if plan.kind == Kind.PERSON:
        del named["environment"]
    return Erasure.objects.filter(kind=plan.kind, **named).exclude(state=State.DONE).first()


def _people(plan: Plan) -> list[str]:
    if isinstance(plan.target, Environment):
        return [str(pk) for pk in plans.only_in(plan.target).values_list("pk", flat=True)]
    return [str(plan.target.pk)] if isinstance(plan.target, User) else []


def _close(plan: Plan, by: User | None) -> None:
    now = database_clock.now()
    if isinstance(plan.target, User):
        _shut_out(plan.target, by)
    elif plan.kind != Kind.DOCUMENTS:
        ids = [one.pk for one in plan.administrations]
        Administration.objects.filter(pk__in=ids).update(erasing_since=now)
        # As deleting them does; a fetch that runs loses its lease and writes nothing more.
        channels = Channel.objects.filter(administration__in=ids)
        channels.update(deleted_at=now, next_fetch_at=None, fence=F("fence") + 1, lease_until=None, lease_owner="")
        if isinstance(plan.target, Environment):
            Environment.objects.filter(pk=plan.target.pk).update(erasing_since=now)
        else:
            _take_roles(plan.administrations[0])


def _take_roles(administration: Administration) -> None:
    roles = AdministrationAccess.objects.filter(administration=administration)
    people = [role.user for role in roles.select_related("user")]
    roles.delete()
    for person in people:
        rights.lost(administration.environment, person)


def _shut_out(person: User, by: User | None) -> None:
    """Signed out everywhere; what they handed out ends."""
    places = list(environments_of(person))
    User.objects.filter(pk=person.pk).update(is_active=False)
    EnvironmentAdmin.objects.filter(user=person).delete()
    AdministrationAccess.objects.filter(user=person).delete()
    for place in places:
        audit.note("role.removed", place, person, by=by)
        rights.lost(place, person)
    end_sessions(person)


def perform(erasure_id: UUID) -> None:
    """Once, however often it is asked for. A worker that dies, or is stopped, leaves it to `look_after`."""
    erasure = Erasure.objects.filter(pk=erasure_id, state=State.QUEUED).first()
    worker = Worker.claiming(erasure, State.QUEUED, State.WORKING) if erasure else None
    if erasure is None or worker is None:
        return
    try:
        _perform(erasure, worker)
    except Superseded:
        log.info("an erasure was taken over", erasure=str(erasure.pk))
    except (OSError, StorageProblem, DatabaseError) as problem:
        log.exception("an erasure waits", erasure=str(erasure.pk))
        Erasure.objects.filter(pk=erasure.pk, attempts=erasure.attempts).update(problem=type(problem).__name__)


def _perform(erasure: Erasure, worker: Worker) -> None:
    # Ids for whoever must erase again what a backup brought back: the database keeps none.
    known = {"administrations": erasure.administration_ids, "people": erasure.people_ids}
    log.info("erasing", erasure=str(erasure.pk), kind=erasure.kind, environment=str(erasure.environment_id), **known)
    for name, step in steps.STEPS[Kind(erasure.kind)].items():
        if name in erasure.steps_done:
            continue
        step(erasure, worker.alive)
        with transaction.atomic():
            erasure.steps_done = [*erasure.steps_done, name]
            worker.update(steps_done=erasure.steps_done, problem="", alive_at=database_clock.now())
            audit.note(f"erasure.{name}", steps.place_of(erasure))
    with transaction.atomic():
        worker.update(state=State.DONE, done_at=database_clock.now(), administration_ids=[], people_ids=[])
        counts = {"kind": erasure.kind, **erasure.counts}
        audit.note("erasure.done", steps.place_of(erasure), after=counts)


def look_after() -> list[Erasure]:
    """Gives back what nobody works at, to be queued; forgets what was done long ago."""
    now = database_clock.now()
    long_ago = now - timedelta(days=settings.AUDIT_KEPT_DAYS)
    Erasure.objects.filter(state=State.DONE, done_at__lt=long_ago).delete()
    dead = Erasure.objects.exclude(state=State.DONE).filter(alive_at__lt=now - DEAD_AFTER)
    again = list(dead)
    dead.filter(pk__in=[one.pk for one in again]).update(state=State.QUEUED, alive_at=now)
    return again
