"""What the portal stands on beside its database: broker, storage, mail, keys, schedule and workers."""

from __future__ import annotations

import time
from smtplib import SMTPException
from typing import Final
from uuid import uuid4

from django.conf import settings
from django.core.mail import get_connection
from django.db.models import Count
from django.db.models.functions import Substr
from kombu.exceptions import KombuError
from redis import Redis
from redis.exceptions import RedisError

from administrations import two_factor
from channels.errors import OurProblem
from channels.links import vault
from channels.models import ChannelSecret
from documents import storage as places
from notifications.outgoing import reason_of
from zenvoices.checks import STORAGE_CURE, said_of_settings
from zenvoices.doctor.parts import Ill
from zenvoices.lib import health
from zenvoices.lib.crypto import KeyProblem
from zenvoices.lib.scoping import every_administration
from zenvoices.lib.tasks import current_app

_APP_CURE: Final = (
    "Add the key that is missing to CREDENTIAL_KEYS, from the safe place; else remove those rows (Authenticator), and"
    " they set their app up anew."
)
_QUEUES: Final = ("checks", "documents", "fetch", "tick")
#: seconds that workers get to answer: those that are idle do so at once, a busy machine gets a second look
_PATIENCE: Final = (1.0, 2.5)
_BROKER_ERRORS: Final = (KombuError, RedisError, OSError)
_MAIL_CURES: Final = {
    "sign_in_refused": "Look at user and password in EMAIL_URL: the server takes no sign-in, or not with a password.",
    "not_offered": "Look at the scheme and port in EMAIL_URL: smtp+tls and 587, or smtp+ssl and 465.",
    "certificate": "Write the host in EMAIL_URL as its certificate names it; the system must trust who signed it.",
}


def fitting() -> str:
    """What cannot be used at all does not start `doctor` either: see manage.py."""
    if found := said_of_settings():
        raise Ill(" ".join(one.msg for one in found), " ".join(one.hint or "" for one in found))
    return "Every setting can be used."


def broker() -> str:
    if not settings.REDIS_URL:
        raise Ill(
            "REDIS_URL is not set: nothing can be queued.", "Set REDIS_URL=redis://host:6379/0; make run sets its own."
        )
    try:
        _takes(settings.REDIS_URL)
    except _BROKER_ERRORS as problem:
        raise Ill(
            f"The broker does not answer or takes nothing ({type(problem).__name__}).",
            "Look at REDIS_URL, whether Redis or Valkey runs, and whether it may write (disk, maxmemory, replica).",
        ) from problem
    if settings.CACHE_URL not in ("", settings.REDIS_URL):
        _cache()
    return "The broker answers and takes what is queued; the cache answers."


def _cache() -> None:
    try:
        _takes(settings.CACHE_URL)
    except _BROKER_ERRORS as problem:
        raise Ill(
            f"The broker answers, the cache does not or takes nothing ({type(problem).__name__}).",
            "Look at CACHE_URL, and whether that Redis or Valkey runs: until then nobody is held to a limit.",
        ) from problem


def _takes(address: str) -> None:
    """Within the patience of whoever asks, also when it is there and stands still."""
    key = f"doctor-{uuid4().hex}"
    with Redis.from_url(address, socket_timeout=3, socket_connect_timeout=3) as client:
        client.set(key, "1", ex=60)
        client.delete(key)


def storage() -> str:
    where = places.names()
    try:
        places.probe()
    except (places.StorageProblem, places.BlobMissing) as problem:
        raise Ill(f"{where} takes no file: {places.told(problem)}.", STORAGE_CURE) from problem
    return f"A probe was written to {where}, read and removed."


def mail() -> str:
    """Up to the sign-in; nothing is sent."""
    name = settings.EMAIL_DELIVERY_BACKEND
    if not name.endswith("smtp.EmailBackend"):
        return f"No mail server: mails are kept by {name}, and nobody gets them."
    line = get_connection(name, timeout=10)
    try:
        line.open()
    except (SMTPException, OSError) as problem:
        reason = reason_of(problem)
        cure = _MAIL_CURES.get(reason, "Look at host and port in EMAIL_URL, and whether this machine may reach them.")
        raise Ill(f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT} lets no mail through ({reason}).", cure) from problem
    finally:
        line.close()
    secured = "under TLS" if settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL else "without TLS"
    signed = "and takes our sign-in" if settings.EMAIL_HOST_USER else "without a sign-in"
    return f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT} answers {secured} {signed}."


def keys() -> str:
    """Opens one secret under each key that any of them is under: of channels, and of two-factor sign-in."""
    cure = "Add the key that is missing to CREDENTIAL_KEYS, from the safe place; else each password is typed again."
    opened = 0
    with every_administration():
        # the id of its key stands in each (zenvoices.lib.crypto)
        under = ChannelSecret.objects.order_by().annotate(key=Substr("ciphertext", 3, 8)).values_list("key")
        for key, number in under.annotate(Count("pk")):
            secret = ChannelSecret.objects.select_related("channel").filter(ciphertext__startswith=f"1.{key}.").first()
            try:
                if secret is not None:
                    vault.decrypt(secret)
            except OurProblem as problem:
                raise Ill(f"{number} secrets under the key {key} do not open.", cure) from problem
            opened += number
    for key, tokens in two_factor.under_each_key().items():
        try:
            two_factor.MFAAdapter().decrypt(tokens[0])
        except KeyProblem as problem:
            text = f"{len(tokens)} secrets of two-factor sign-in under the key {key} do not open."
            raise Ill(text, _APP_CURE) from problem
        opened += len(tokens)
    return (
        f"One secret under each key was opened; there are {opened}."
        if opened
        else "There is no secret yet; the keys are keys."
    )


def schedule() -> str:
    last = health.last_beat()
    cure = "Start beat (celery -A zenvoices.celery beat) and a worker of the queue tick; look at their logs."
    if last is None:
        raise Ill("No tick was seen: nothing is fetched by itself.", cure)
    ago = time.time() - last
    if ago >= health.HEARTBEAT_LIMIT:
        raise Ill(f"The last tick was {ago:.0f} s ago: nothing is fetched by itself.", cure)
    return f"The last tick was {max(0.0, ago):.0f} s ago."


def workers() -> str:
    served: set[str] = set()
    answered = 0
    for patience in _PATIENCE:
        if not served.issuperset(_QUEUES):
            each = _queues_of_workers(patience)
            answered, served = len(each), set().union(*each)
    if absent := sorted(set(_QUEUES) - served):
        raise Ill(
            f"No worker serves {' and '.join(absent)}.",
            f"Start one: celery -A zenvoices.celery worker -Q {absent[0]}; look at the log of those that run.",
        )
    return f"{answered} workers serve {' and '.join(_QUEUES)}."


def _queues_of_workers(seconds: float) -> list[set[str]]:
    """Of each worker that answers: what it serves."""
    try:
        if settings.REDIS_URL:
            _takes(settings.REDIS_URL)  # Celery has the patience of a worker
        seen = (current_app.control.inspect(timeout=seconds).active_queues() if settings.REDIS_URL else None) or {}
    except _BROKER_ERRORS as problem:
        raise Ill(
            f"Workers cannot be asked: the broker does not answer ({type(problem).__name__}).", "See the line broker."
        ) from problem
    return [{queue["name"] for queue in queues} for queues in seen.values()]
