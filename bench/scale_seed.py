"""Rows of many channels as they stand in the middle of a day: bench.scale starts it, with the settings of a portal."""

from __future__ import annotations

import argparse
import sys
from typing import Final

import django

django.setup()

from django.utils import timezone

from administrations.models import Administration, Environment
from bench.lists_seed import copies
from bench.scale_server import PORT
from channels.links import vault
from channels.models import Channel, ChannelSecret
from tests.channels.rows import make_channel, make_run
from zenvoices.lib.scoping import every_administration

#: administrations
IN_AN_OFFICE: Final = 10
#: of a hundred channels, at the one host of a large provider
AT_THE_FIRST: Final = 25
PASSWORD: Final = "geheim"


def seed(channels: int, administrations: int, hosts: list[str], large: str) -> None:
    """Each channel fetched quietly before, and was looked at today. `large`: the host of one more, which is inactive,
    in an administration of its own."""
    first = _administrations(administrations)
    now, today = timezone.now(), timezone.localdate()
    numbers = {"seen_validity": "1", "seen_next_uid": 1, "first_validity": "1", "first_next_uid": 1}
    moments = {"last_success_at": now, "reconciled_at": now, "next_fetch_at": None}
    days = {"listened_on": today, "suppliers_heard_on": today, "watched_on": today}
    channel = make_channel(first, host=hosts[0], port=PORT, password=PASSWORD, **numbers, **moments, **days)
    keys = {"administration_id": f"md5('administration' || nth % {administrations})::uuid"}
    copies(channel, channels - 1, id="md5('channel' || nth)::uuid", host=_host(hosts),
           name="'kanaal ' || nth", username="'box' || nth || '@scale.test'", **keys)  # fmt: skip
    at = "now() - nth % 1800 * interval '1 second'"
    copies(make_run(channel), channels - 1, channel_id="md5('channel' || nth)::uuid",
           queued_at=at, started_at=at, finished_at=at, **keys)  # fmt: skip
    _secrets(channel)
    own = Administration.objects.create(environment=first.environment, name="Groot", plan="premium")
    make_channel(own, host=large, port=PORT, password=PASSWORD, state="inactive", next_fetch_at=None)


def _administrations(number: int) -> Administration:
    office = Environment.objects.create(name="Kantoor")
    first = Administration.objects.create(environment=office, name="Klant", plan="premium")
    copies(office, number // IN_AN_OFFICE + 1, id="md5('office' || nth)::uuid", name="'Kantoor ' || nth")
    copies(first, number, id="md5('administration' || nth - 1)::uuid", name="'Klant ' || nth",
           environment_id=f"md5('office' || 1 + nth / {IN_AN_OFFICE})::uuid")  # fmt: skip
    return first


def _host(hosts: list[str]) -> str:
    others = hosts[1:] or hosts
    names = ", ".join(f"'{host}'" for host in others)
    return f"CASE WHEN nth % 100 < {AT_THE_FIRST} THEN '{hosts[0]}' ELSE (ARRAY[{names}])[1 + nth % {len(others)}] END"


def _secrets(first: Channel) -> None:
    """A ciphertext belongs to its channel, so there is no copying it."""
    with every_administration():
        secrets = (
            ChannelSecret(
                administration_id=channel.administration_id, channel_id=channel.pk,
                name="password", ciphertext=vault.encrypt(channel, "password", PASSWORD),
            )
            for channel in Channel.objects.exclude(pk=first.pk).only("administration_id")
        )  # fmt: skip
        ChannelSecret.objects.bulk_create(secrets, batch_size=5_000)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.scale_seed", description=__doc__)
    parser.add_argument("channels", type=int)
    parser.add_argument("administrations", type=int)
    parser.add_argument("large")
    parser.add_argument("hosts", nargs="+")
    options = parser.parse_args()
    seed(options.channels, options.administrations, options.hosts, options.large)


if __name__ == "__main__":
    sys.exit(main())
