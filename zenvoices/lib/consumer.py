"""How a worker hears of its tasks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from celery.worker.consumer import Consumer


class OutlivesItsBroker(Consumer):
    """What this process has received it carries out itself, also when the broker went away meanwhile.

    Kombu would give back to the broker what no thread has begun, as at the end of a process, and tell it by the old
    connection what was begun since. Where that is gone it ends in faults of its own (AttributeError), for which Celery
    knows no answer: the worker ends, as soon as all that it is at has ended.
    """

    task_consumer: Any  #: Celery's, of which its stubs do not know

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        if self.task_consumer is not None:
            self.task_consumer.channel.do_restore = False
        super().on_connection_error_after_connected(exc)

    def call_soon_ack(self, p: Callable[..., None], *args: object, **kwargs: object) -> object:
        """`p`: the method of a message by which its broker is told."""
        return super().call_soon_ack(partial(_unless_it_is_gone, p), *args, **kwargs)  # type: ignore[misc]


def _unless_it_is_gone(tell: Callable[..., None], *args: object, **kwargs: object) -> None:
    channel: Any = tell.__self__.channel  # type: ignore[attr-defined]
    if not channel.closed:
        tell(*args, **kwargs)
