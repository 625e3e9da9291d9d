from __future__ import annotations

from uuid import uuid4

import pytest
from celery import current_app
from kombu import Connection
from kombu.exceptions import OperationalError

from documents.tasks import prepare
from zenvoices.celery import app


def test_every_process_queues_with_our_app() -> None:
    assert current_app._get_current_object() is app
    assert prepare.app is app


def test_a_broker_that_is_away_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = (str(uuid4()), str(uuid4()))
    pauses: list[float] = []
    monkeypatch.setattr("kombu.utils.functional.sleep", pauses.append)
    options = app.conf.broker_transport_options
    with Connection("redis://127.0.0.1:9/0", transport_options=options) as away, pytest.raises(OperationalError):
        prepare.apply_async(ids, connection=away, retry=False)
    assert sum(pauses) <= 0.2
