"""SQL that is made once says what Django's own would, and shows one administration only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels.models import Channel, ChannelSecret, FetchRun
from tests.cast import Cast
from tests.channels.rows import make_channel, make_run
from zenvoices.lib.scoping import ScopeError, administration_scope, every_administration
from zenvoices.lib.statements import delete_once, save_once, select_once, update_once


@pytest.fixture
def channels(cast: Cast) -> dict[UUID, Channel]:
    """One of each office, of the same name."""
    return {one.pk: make_channel(one, name="Post") for one in (cast.bakery, cast.foreign)}


def named() -> Callable[[str], list[Channel]]:
    @select_once
    def statement(name: str) -> QuerySet[Channel]:
        return Channel.objects.filter(name=name)

    return statement


def test_statement_made_for_one_administration_shows_the_other_its_own(channels: dict[UUID, Channel]) -> None:
    statement = named()
    for administration_id in [*channels, *channels]:
        with administration_scope(administration_id):
            assert statement("Post") == [channels[administration_id]]
    with every_administration():
        assert set(statement("Post")) == set(channels.values())


@pytest.mark.parametrize("made_before", [False, True])
def test_statement_is_none_outside_a_scope(cast: Cast, channels: dict[UUID, Channel], made_before: bool) -> None:
    statement = named()
    if made_before:
        with administration_scope(cast.bakery.pk):
            statement("Post")
    with pytest.raises(ScopeError):
        statement("Post")


def test_statement_of_every_administration_is_not_used_for_one(cast: Cast, channels: dict[UUID, Channel]) -> None:
    statement = named()
    with every_administration():
        statement("Post")
    with administration_scope(cast.bakery.pk):
        assert statement("Post") == [channels[cast.bakery.pk]]


def test_statement_that_keeps_the_value_of_its_first_call_is_refused(cast: Cast) -> None:
    @select_once
    def statement(name: str) -> QuerySet[Channel]:
        return Channel.objects.filter(name="Post" if name else "Other")

    with administration_scope(cast.bakery.pk), pytest.raises(ScopeError):
        statement("Post")


def test_statement_that_forgets_the_administration_is_refused(cast: Cast) -> None:
    @select_once
    def statement(name: str) -> QuerySet[Channel]:
        return Channel._base_manager.filter(name=name)

    with administration_scope(cast.bakery.pk), pytest.raises(ScopeError):
        statement("Post")


def test_rows_are_those_of_the_queryset(cast: Cast, channels: dict[UUID, Channel]) -> None:
    channel = channels[cast.bakery.pk]
    make_run(channel, error_detail={"size": 3}, slot=timezone.now())

    def build(state: str) -> QuerySet[FetchRun]:
        secrets = ChannelSecret.objects.filter(channel_id=OuterRef("channel_id"))
        runs = FetchRun.objects.select_related("channel__administration").annotate(has_secret=Exists(secrets))
        return runs.filter(state=state)

    with administration_scope(cast.bakery.pk):
        (ours,), (theirs,) = select_once(build)("finished"), build("finished")
        with CaptureQueriesContext(connection) as queries:
            assert [_plain(ours), _plain(ours.channel), _plain(ours.channel.administration), ours.has_secret] == [
                _plain(theirs), _plain(theirs.channel), _plain(theirs.channel.administration), True,
            ]  # fmt: skip
    assert len(queries) == 0


def _plain(row: Any) -> dict[str, object]:
    return {name: value for name, value in vars(row).items() if name != "_state"}


def test_columns_left_out_are_read_when_asked_for(cast: Cast, channels: dict[UUID, Channel]) -> None:
    with administration_scope(cast.bakery.pk):
        (channel,) = select_once(lambda name: Channel.objects.filter(name=name).only("host"))("Post")
        assert (channel.get_deferred_fields() >= {"port"}, channel.port) == (True, 993)


def test_update_sets_expressions_and_counts_rows(cast: Cast, channels: dict[UUID, Channel]) -> None:
    @update_once
    def lengthen(name: str, length: timedelta) -> tuple[QuerySet[Channel], dict[str, Any]]:
        return Channel.objects.filter(name=name), {"lease_until": Now() + length, "lease_owner": "me"}

    with administration_scope(cast.bakery.pk):
        assert [lengthen("Post", timedelta(hours=2)), lengthen("Other", timedelta(hours=1))] == [1, 0]
    ours, theirs = channels[cast.bakery.pk], channels[cast.foreign.pk]
    with every_administration():
        ours.refresh_from_db()
        theirs.refresh_from_db()
    assert timedelta(minutes=119) < ours.lease_until - timezone.now() < timedelta(minutes=121)
    assert (ours.lease_owner, theirs.lease_until, theirs.lease_owner) == ("me", None, "")


def test_delete_takes_rows_of_one_administration(cast: Cast, channels: dict[UUID, Channel]) -> None:
    remove = delete_once(lambda name: ChannelSecret.objects.filter(name=name))
    with administration_scope(cast.bakery.pk):
        assert (remove("password"), remove("password")) == (1, 0)
    with every_administration():
        assert [secret.administration_id for secret in ChannelSecret.objects.all()] == [cast.foreign.pk]


def test_saved_columns_are_those_named(cast: Cast, channels: dict[UUID, Channel]) -> None:
    run = make_run(channels[cast.bakery.pk])
    for detail, reconciled in (({"a": [1]}, {"b": 2}), ({}, None)):
        run.error_detail, run.reconciled, run.finished_at, run.total = detail, reconciled, None, 7
        with administration_scope(cast.bakery.pk):
            save_once(run, ["error_detail", "reconciled", "finished_at"])
            saved = FetchRun.objects.get(pk=run.pk)
        assert (saved.error_detail, saved.reconciled, saved.finished_at, saved.total) == (detail, reconciled, None, 0)


def test_row_of_another_administration_is_not_saved(cast: Cast, channels: dict[UUID, Channel]) -> None:
    channel = channels[cast.foreign.pk]
    channel.name = "Ours"
    with administration_scope(cast.bakery.pk), pytest.raises(DatabaseError, match="gone"):
        save_once(channel, ["name"])
    with every_administration():
        assert not Channel.objects.filter(name="Ours").exists()


def test_value_that_names_no_row_finds_none(cast: Cast) -> None:
    with administration_scope(cast.bakery.pk):
        assert select_once(lambda pk: Channel.objects.filter(pk=pk))(uuid4()) == []
