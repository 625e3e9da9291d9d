"""The order of a batch: bytes are on the disk before rows name them, rows are committed before a flag is set."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

from channels.mailboxes.fake import FakeMailbox
from channels.models import Channel
from documents import filestore
from tests.cast import Cast
from tests.channels.linked import fetch_now, invoice
from tests.channels.rows import make_channel
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.django_db(transaction=True)


class Recorded(FakeMailbox):
    def acknowledge(self, refs: Any) -> Any:
        if refs:
            STEPS.append("flagged")
        return super().acknowledge(refs)


STEPS: list[str] = []


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What was done, in its order."""
    fsync, rename, commit = os.fsync, filestore._rename, BaseDatabaseWrapper._commit

    def on_fsync(handle: int) -> None:
        fsync(handle)
        STEPS.append("folder flushed" if Path(f"/proc/self/fd/{handle}").is_dir() else "file flushed")

    def on_rename(*arguments: Any) -> None:
        rename(*arguments)
        STEPS.append("renamed")

    def on_commit(connection: BaseDatabaseWrapper) -> None:
        commit(connection)
        STEPS.append("committed")

    monkeypatch.setattr(os, "fsync", on_fsync)
    monkeypatch.setattr(filestore, "_rename", on_rename)
    monkeypatch.setattr(BaseDatabaseWrapper, "_commit", on_commit)
    STEPS.clear()
    yield STEPS
    STEPS.clear()


@pytest.fixture
def channel(cast: Cast) -> Channel:
    return make_channel(cast.bakery)


def test_file_is_flushed_then_renamed_its_folder_flushed_then_rows_committed_then_the_mail_flagged(
    channel: Channel, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Recorded()
    for number in range(3):
        box.deliver(invoice(number))
    monkeypatch.setattr("channels.connect.mailbox_for", lambda *_: box)
    with administration_scope(channel.administration_id):
        run = fetch_now(channel)
    assert (run.outcome, run.delivered) == ("succeeded", 3)
    # Three mails and three documents are six files.
    assert (steps.count("file flushed"), steps.count("renamed")) == (6, 6)
    flushed = max(place for place, step in enumerate(steps) if step == "file flushed")
    renamed = [place for place, step in enumerate(steps) if step == "renamed"]
    assert flushed < min(renamed)
    assert list(dict.fromkeys(steps[max(renamed) + 1 :]))[:3] == ["folder flushed", "committed", "flagged"]
