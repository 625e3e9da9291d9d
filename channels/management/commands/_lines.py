"""What operator commands print about channels and fetches."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.utils import translation

from channels.models import Channel, FetchRun
from channels.words import phrases
from zenvoices.lib.commands import OperatorError
from zenvoices.lib.scoping import administration_scope, every_administration


def uuid_argument(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ArgumentTypeError(f"not a UUID: {text}") from None


@contextmanager
def opened_channel(channel_id: UUID) -> Iterator[Channel]:
    """The channel, inside its administration's scope."""
    with every_administration():
        channel = Channel.objects.filter(pk=channel_id, deleted_at=None).select_related("administration").first()
    if channel is None:
        raise OperatorError("not_found", f"There is no channel {channel_id}.")
    with administration_scope(channel.administration_id):
        yield channel


def error_line(code: str, facts: dict[str, Any]) -> dict[str, str] | None:
    """`facts`: of the error, and of the channel for what it does not tell."""
    if not code:
        return None
    with translation.override("en"):
        return {"code": code, "text": str(phrases.phrase(code, facts))}


def error_at(channel: Channel, code: str, detail: dict[str, Any]) -> dict[str, str] | None:
    return error_line(code, phrases.facts_of(channel) | detail)


def fetch_line(run: FetchRun) -> dict[str, Any]:
    counts = ("seen", "delivered", "ignored", "failed", "already", "documents")
    return {
        "run": run.pk,
        "outcome": run.outcome or run.state,
        **{name: getattr(run, name) for name in counts},
        "error": error_at(run.channel, run.error_code, run.error_detail),
    }
