from __future__ import annotations

import time
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


def test_a_broker_that_is_away_keeps_nobody_waiting() -> None:
    ids = (str(uuid4()), str(uuid4()))
    began = time.monotonic()
    with Connection("redis://127.0.0.1:9/0", transport_options=app.conf.broker_transport_options) as away:
        with pytest.raises(OperationalError):
            prepare.apply_async(ids, connection=away, retry=False)
        assert time.monotonic() - began < 2
