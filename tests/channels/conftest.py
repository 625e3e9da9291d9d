"""A channel of the bakery, and a mailbox that is none, for what no server of ours can be made to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from channels.mailboxes.fake import FakeMailbox
from channels.models import Channel
from tests.cast import Cast
from tests.channels.test_health import channel_in
from zenvoices.lib.scoping import administration_scope


@pytest.fixture
def channel(cast: Cast) -> Iterator[Channel]:
    channel = channel_in(cast.bakery)
    with administration_scope(cast.bakery.pk):
        yield channel


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch, settings: object) -> FakeMailbox:
    settings.FETCH_RETRY_SECONDS = []
    box = FakeMailbox()
    monkeypatch.setattr("channels.connect.mailbox_for", lambda *_: box)
    return box
