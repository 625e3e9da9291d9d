"""Celery's way in: ids in, one call. Losing or tripling any message changes latency and nothing else."""

from __future__ import annotations

from threading import Lock
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from kombu.exceptions import OperationalError

from channels import checking, expiry
from channels.expiry import IdleLink
from channels.fetching import runs, schedule
from channels.fetching import tick as ticking
from channels.fetching.budget import Budget
from channels.fetching.schedule import Due, Ended
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
_looking = Lock()


@shared_task(base=TenantTask, name="channels.tasks.fetch")
def fetch(administration_id: str, run_id: str) -> None:
    run = runs.perform(UUID(run_id), Budget.of_a_run())
    if run is None:
        return
    hand_on(run)
    if run.documents:
        # By its channel and time first, which have an index.
        made = Document.objects.filter(source_id=run.channel_id, received_at__gte=run.started_at)
        queue_preparation(UUID(administration_id), made.filter(source_run_id=run.pk))


def hand_on(run: FetchRun) -> None:
    """The places of a run that ended. What the broker does not take now is offered again by the tick."""
    try:
        for due in schedule.hand_on(Ended(run.channel.host, run.administration_id)):
            offer(due)
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
    """Each second: offers what came due, so that fetches begin as evenly as they are due. The tick looks too.

    Who comes while another looks goes away: a database that is slow or locked keeps one thread of this worker waiting.
    """
    if not _looking.acquire(blocking=False):
        return
    try:
        with every_administration():
            for due in schedule.claim_what_came_due():
                offer(due)
    except (DatabaseError, InterfaceError, OperationalError) as problem:
        log.warning("nobody looked at what is due", problem=type(problem).__name__)
    finally:
        _looking.release()


def offer(due: Due) -> None:
    priority = GOES_ON if due.goes_on else SCHEDULED
    fetch.apply_async((str(due.administration_id), str(due.run_id)), priority=priority)


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
    """Call it after the commit that made the run."""
    fetch.apply_async((str(run.administration_id), str(run.pk)), priority=BY_HAND)
