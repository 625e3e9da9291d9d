"""What a worker does with its memory."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from celery.signals import worker_init, worker_ready

from zenvoices import celery


@pytest.fixture
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_worker_leaves_what_is_loaded_to_itself(thawed: None) -> None:
    """The first signal comes before the threads do, the second when everything is loaded."""
    before = gc.get_freeze_count()  # Python 3.12 begins with some
    worker_init.send(sender=celery.app)
    assert gc.get_freeze_count() == before
    worker_ready.send(sender=celery.app)
    assert gc.get_freeze_count() > before + 10_000
