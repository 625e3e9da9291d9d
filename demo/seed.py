"""The demo's people, administrations and channel. Once: a database that holds an environment is left alone."""

from __future__ import annotations

import io
import json
import os

from django.conf import settings
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from administrations.models import Administration, Environment, Role, User
from administrations.services import set_role
from channels.models import Channel
from demo.invoices import MAILBOX
from scripts.screen import DEMO_EMAIL
from zenvoices.lib.scoping import every_administration

ENVIRONMENT = "Kantoor Demo"
COLLEAGUE = "joost@bakkerijdevries.example"
CHANNEL = "Facturen Bakkerij De Vries"


def seed() -> None:
    with transaction.atomic():
        if Environment.objects.exists():
            return
        bakery = _administration("Bakkerij De Vries", "premium")
        _administration("Fietsenmaker Spaak", "basic")
        colleague = User.objects.create_user(
            COLLEAGUE, os.environ["DEMO_PASSWORD"], name="Joost de Vries", language="nl"
        )
        administration = Administration.objects.get(pk=bakery)
        set_role(administration=administration, user=colleague, role=Role.USER)
        channel = _command(
            "create_channel",
            *("--administration", bakery, "--name", CHANNEL, "--protocol", "imap"),
            *("--host", "127.0.0.1", "--port", os.environ["DEMO_MAILBOX_PORT"], "--security", "tls"),
            *("--username", MAILBOX, "--password-env", "DEMO_MAILBOX_PASSWORD", "--no-check"),
        )["channel"]
        _leave_the_first_fetch_to_the_newcomer(channel)


def _leave_the_first_fetch_to_the_newcomer(channel: str) -> None:
    """A channel's own second may come in the first minute: the demo's comes after half an hour."""
    with every_administration():
        Channel.objects.filter(pk=channel).update(next_fetch_at=timezone.now() + settings.FETCH_INTERVAL)


def _administration(name: str, plan: str) -> str:
    made = _command(
        "create_administration",
        *("--environment", ENVIRONMENT, "--name", name, "--plan", plan),
        *("--admin", DEMO_EMAIL, "--password-env", "DEMO_PASSWORD"),
    )
    return made["administration"]


def _command(name: str, *arguments: str) -> dict[str, str]:
    """Through the operator commands: what is public stays in use."""
    answer = io.StringIO()
    try:
        call_command(name, *arguments, stdout=answer)
    except SystemExit as ended:
        raise RuntimeError(f"{name} failed: {answer.getvalue()}") from ended
    made: dict[str, str] = json.loads(answer.getvalue())
    return made
