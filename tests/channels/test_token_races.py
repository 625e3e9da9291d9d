"""Many want new tokens at once: one asks the provider, which forgives nobody a second use, and all go on."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from django.db import connection

from channels.links import tokens
from channels.models import Channel
from tests.cast import Cast, make_cast
from tests.channels.authorised import link
from tests.servers.openid import TENANT, OpenIdProvider
from zenvoices.lib.scoping import administration_scope

pytestmark = [pytest.mark.provider, pytest.mark.dovecot, pytest.mark.django_db(transaction=True)]
THREADS = 8


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


def all_at_once(channel: Channel, *, fresh: bool) -> set[str]:
    """The access tokens that eight threads end up with."""
    together = Barrier(THREADS)

    def ask() -> str:
        try:
            with administration_scope(channel.administration_id):
                mine = Channel.objects.get(pk=channel.pk)
                together.wait(timeout=20)
                return tokens.current(mine, fresh=fresh).access_token
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return {future.result() for future in [pool.submit(ask) for _ in range(THREADS)]}


def test_tokens_that_grew_old_are_renewed_once(cast: Cast, at_provider: OpenIdProvider) -> None:
    with administration_scope(cast.bakery.pk):
        channel = link(cast.bakery, at_provider, "entra", "jan@acme.test")
        old = tokens.current(channel)
        tokens.store(channel, replace(old, expires_at=time.time()))
        asked = at_provider.requests_to(TENANT)
        got = all_at_once(channel, fresh=False)
        assert (len(got), at_provider.requests_to(TENANT) - asked) == (1, 1)
        # The chain still stands: nobody used a token that was used before.
        assert tokens.current(channel, fresh=True).access_token not in {old.access_token, *got}


def test_refused_tokens_are_renewed_without_breaking_the_chain(cast: Cast, at_provider: OpenIdProvider) -> None:
    with administration_scope(cast.bakery.pk):
        channel = link(cast.bakery, at_provider, "entra", "jan@acme.test")
        old = tokens.current(channel)
        got = all_at_once(channel, fresh=True)
        assert old.access_token not in got
        assert tokens.current(channel, fresh=True).access_token not in {old.access_token, *got}
