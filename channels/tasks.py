"""Celery's way in: ids in, one call. Losing or tripling any message changes latency and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any
from uuid import UUID

import structlog
from celery.signals import celeryd_after_setup, worker_shutdown
from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from kombu.exceptions import OperationalError

from channels import checking, expiry
from channels.expiry import IdleLink
from channels.fetching import bundle, runs, schedule
from channels.fetching import tick as ticking
from channels.fetching.budget import Budget
from channels.fetching.schedule import Due, Ended
from channels.fetching.starting import Asked
from channels.fetching.threads import Threads
from channels.links import tokens
from channels.models import Channel, ChannelSecret, ConnectionCheck, FetchRun
from documents.models import Document
from documents.tasks import queue_preparation
from zenvoices.lib import health
from zenvoices.lib.scoping import every_administration
from zenvoices.lib.tasks import TenantTask, shared_task

log = structlog.get_logger(__name__)
#: Of Redis' four, 0 goes first: who clicks waits for no half hour of others, and nobody for a mailbox that goes on.
BY_HAND, SCHEDULED, GOES_ON = 3, 6, 9
#: Fetches of one message: of 100,000 channels 56 come due each second.
BUNDLE = 64
_looking = Lock()
#: Those of this process in which the runs of bundles are carried out. A worker has as many as it was told.
_threads = Threads(1)


@celeryd_after_setup.connect
def worker_has_threads(instance: Any, **kwargs: object) -> None:
    global _threads
    _threads = Threads(instance.concurrency)


@worker_shutdown.connect
def runs_end_first(**kwargs: object) -> None:
    """Those that their bundle left: while the interpreter ends, it gives no thread to who flushes their files."""
    _threads.end()


@shared_task(base=TenantTask, name="channels.tasks.fetch")
def fetch(administration_id: str, run_id: str) -> None:
    """One: somebody asked for it, or its mailbox goes on."""
    run = runs.perform(UUID(run_id), Budget.of_a_run())
    if run is not None:
        settle([run])


@shared_task(name="channels.tasks.fetch_bundle")
def fetch_bundle(queued: Sequence[tuple[str, str]]) -> None:
    """Administration and run of each. What finds no free thread goes back, to a worker that has one."""
    asked = [Asked(UUID(administration_id), UUID(run_id)) for administration_id, run_id in queued]
    free = _threads.take(len(asked))
    if free < len(asked):
        try:
            offer([Due(*one) for one in asked[free:]])
        except (DatabaseError, InterfaceError, OperationalError) as problem:  # those that were taken have work
            log.warning("fetches not queued", problem=type(problem).__name__)
    if free:
        bundle.perform_all(asked[:free], _threads.submit, settle)


def settle(ended: Sequence[FetchRun]) -> None:
    """What follows from runs that ended: their places go to others, their documents are prepared."""
    hand_on(ended)
    for run in ended:
        if run.documents:
            # By its channel and time first, which have an index.
            made = Document.objects.filter(source_id=run.channel_id, received_at__gte=run.started_at)
            queue_preparation(run.administration_id, made.filter(source_run_id=run.pk))


def hand_on(ended: Sequence[FetchRun]) -> None:
    """What the broker does not take now is offered by the next look."""
    try:
        with every_administration():
            offer(schedule.hand_on([Ended(run.channel.host, run.administration_id) for run in ended]))
    except OperationalError as problem:
        log.warning("fetches not queued", problem=type(problem).__name__)


@shared_task(base=TenantTask, name="channels.tasks.keep_alive")
def keep_alive(administration_id: str, channel_id: str) -> None:
    """Lost, it is offered again the next day."""
    expiry.keep_alive(UUID(channel_id))


@shared_task(base=TenantTask, name="channels.tasks.check")
def check(administration_id: str, check_id: str) -> None:
    checking.perform(UUID(check_id))


@shared_task(base=TenantTask, name="channels.tasks.revoke")
def revoke(administration_id: str, channel_id: str) -> None:
    """Ends at the provider what a person disconnected. Lost, it is offered again by the tick."""
    channel = Channel.objects.filter(pk=channel_id).first()
    if channel is not None:
        tokens.revoke_ended(channel)


@shared_task(name="channels.tasks.tick")
def tick() -> None:
    health.beat()
    steps = ticking.tick(offer, queue_keep_alive, settle_checks)
    log.info("tick", **steps.done, failed=sorted(steps.failed))


@shared_task(name="channels.tasks.look")
def look() -> None:
    """Each second: offers what came due, so that fetches begin as evenly as they are due, and what was lost on the way.
    The tick looks too.

    Who comes while another looks goes away: a database that is slow or locked keeps one thread of this worker waiting.
    """
    if not _looking.acquire(blocking=False):
        return
    try:
        with every_administration():
            offer(schedule.unstarted())
            offer(schedule.claim_what_came_due())
    except (DatabaseError, InterfaceError, OperationalError) as problem:
        log.warning("nobody looked at what is due", problem=type(problem).__name__)
    finally:
        _looking.release()


def offer(due: Sequence[Due]) -> None:
    """A mailbox that goes on takes long, and waits behind all others: it comes alone.

    Raises OperationalError. What the broker did not take then is offered by the next look: a queued run keeps its
    places, and at a host whose places all lie with such runs nobody would be fetched.
    """
    came_due = [one for one in due if not one.goes_on]
    messages = [came_due[first : first + BUNDLE] for first in range(0, len(came_due), BUNDLE)]
    messages += [[one] for one in due if one.goes_on]
    sent = 0
    try:
        for some in messages:
            if some[0].goes_on:
                fetch.apply_async((str(some[0].administration_id), str(some[0].run_id)), priority=GOES_ON)
            else:
                queue_bundle([Asked(one.administration_id, one.run_id) for one in some])
            sent += 1
    except OperationalError:
        _make_lost([one.run_id for some in messages[sent:] for one in some])
        raise


def _make_lost(runs: Sequence[UUID]) -> None:
    with every_administration():
        schedule.make_lost(runs)


def queue_bundle(asked: Sequence[Asked]) -> None:
    queued = [(str(one.administration_id), str(one.run_id)) for one in asked]
    fetch_bundle.apply_async((queued,), priority=SCHEDULED)


def queue_keep_alive(idle: IdleLink) -> None:
    keep_alive.delay(str(idle.administration_id), str(idle.channel_id))


def settle_checks() -> int:
    """Of connection checks and of links that people ended: what the broker lost. Returns how many it is told again."""
    again = checking.tidy()
    for asked in again:
        offer_check(asked)
    ended = ChannelSecret.objects.filter(name=tokens.ENDED, set_at__lt=timezone.now() - checking.STARTS_WITHIN)
    for administration_id, channel_id in ended.values_list("administration_id", "channel_id"):
        revoke.delay(str(administration_id), str(channel_id))
    return len(again)


def offer_check(asked: ConnectionCheck) -> None:
    """Call it after the commit that made the check."""
    check.apply_async((str(asked.administration_id), str(asked.pk)))


def enqueue(run: FetchRun) -> None:
    """Call it after the commit that made the run. Raises OperationalError; then the next look offers it."""
    try:
        fetch.apply_async((str(run.administration_id), str(run.pk)), priority=BY_HAND)
    except OperationalError:
        _make_lost([run.pk])
        raise
