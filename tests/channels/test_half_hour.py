"""Every channel is fetched each half hour, give or take a minute, whatever the mix that the workers can carry."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest

from administrations.models import Administration
from channels.models import Channel
from tests.channels.half_hours import MINUTE, World, channels_of, office

pytestmark = pytest.mark.slow

TWICE = 62 * MINUTE
#: how much of each limit and of all threads the fetches of a mix fill
LOAD = 0.6
HALF_HOUR = 1800
#: how many are tried (CONTRIBUTING.md)
MIXES = int(os.environ.get("MIXES", "1"))


def world(channels: list[Channel], **known: Any) -> World:
    return World({channel.pk: channel for channel in channels}, **known)


@pytest.mark.proof
def test_office_with_many_channels_and_one_with_one(db: None, settings: Any) -> None:
    """All on the host of one provider, the many in one administration: 15 s for each are 1,250 s of its places."""
    (large,), (small,) = office("Groot", 1), office("Klein", 1)
    chance = random.Random(9)
    many = channels_of(chance, large, "outlook.office365.com", 333)
    one = channels_of(chance, small, "outlook.office365.com", 1)
    portal = world([*many, *one], threads=64, seconds=lambda _channel: chance.uniform(7.5, 22.5))
    portal.live(32 * MINUTE)
    assert portal.late(32 * MINUTE) == {}
    assert portal.most[large.pk] <= settings.FETCH_PER_ADMINISTRATION


@pytest.mark.parametrize("seed", range(MIXES))
def test_every_mix_that_the_workers_can_carry(db: None, settings: Any, seed: int) -> None:
    chance = random.Random(seed)
    settings.FETCH_PER_HOST, settings.FETCH_PER_ADMINISTRATION = chance.randint(4, 20), chance.randint(2, 6)
    threads = chance.choice([6, 12, 64])
    hosts = {f"mail{number}.test": chance.uniform(0.5, 5) for number in range(chance.randint(1, 6))}
    administrations = [one for number in range(3) for one in office(f"Kantoor {number}", chance.randint(1, 3))]
    channels = mix(chance, hosts, administrations, threads, settings)
    portal = world(channels, threads=threads, seconds=lambda one: hosts[one.host] * chance.uniform(0.5, 1.5))
    portal.live(TWICE)
    assert portal.late(TWICE) == {}
    assert all(portal.most[host] <= settings.FETCH_PER_HOST for host in hosts)
    assert all(portal.most[one.pk] <= settings.FETCH_PER_ADMINISTRATION for one in administrations)


def mix(
    chance: random.Random, hosts: dict[str, float], administrations: list[Administration], threads: int, settings: Any
) -> list[Channel]:
    """At most 300; more than half of them in one administration."""
    left = dict.fromkeys(hosts, LOAD * HALF_HOUR * settings.FETCH_PER_HOST)
    left |= dict.fromkeys(administrations, LOAD * HALF_HOUR * settings.FETCH_PER_ADMINISTRATION)
    left["threads"] = LOAD * HALF_HOUR * threads
    channels: list[Channel] = []
    for number in range(60):
        host = chance.choice(list(hosts))
        administration = administrations[0] if number % 2 else chance.choice(administrations)
        works = 5 * hosts[host]
        if works <= min(left[host], left[administration], left["threads"]):
            for limit in (host, administration, "threads"):
                left[limit] -= works
            channels += channels_of(chance, administration, host, 5)
    return channels


@pytest.mark.proof
def test_full_mailboxes_keep_nobody_from_their_half_hour(db: None, settings: Any) -> None:
    """Fifteen that go on and on would fill all places of their host three times over."""
    settings.FETCH_PER_HOST = 5
    moving, others = office("Verhuist", 15), office("Blijft", 10)
    chance, host = random.Random(9), "outlook.office365.com"
    full = [one for administration in moving for one in channels_of(chance, administration, host, 1)]
    quiet = [one for administration in others for one in channels_of(chance, administration, host, 10)]
    portal = world(
        [*full, *quiet], threads=64, seconds=lambda one: 40 if one in full else 2,
        goes_on={one.pk: 10**6 for one in full},
    )  # fmt: skip
    portal.live(TWICE)
    late = portal.late(TWICE)
    assert [late[one.pk] for one in quiet if one.pk in late] == []
    assert portal.most[host] == settings.FETCH_PER_HOST
