"""How a worker hears of its tasks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from celery.worker.consumer import Consumer


class OutlivesItsBroker(Consumer):
    """Whatever this process had received when the broker went away, the broker has again when it comes back.

    Kombu would give it back at once, and tell by the old connection what is begun later. Where that is gone it ends in
    faults of its own (AttributeError), for which Celery knows no answer: the worker ends, as soon as all that it is at
    has ended. Where it only fails, what was received comes back after the visibility timeout: processes have thrown it
    away then, threads carry it out all the same, and to carry out a task twice is harmless here.
    """

    task_consumer: Any  #: Celery's, of which its stubs do not know
    _received: tuple[str, ...] = ()

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        if self.task_consumer is not None:
            channel = self.task_consumer.channel
            channel.do_restore = False
            self._received += tuple(channel.qos._delivered)
        super().on_connection_error_after_connected(exc)

    def on_ready(self) -> None:
        super().on_ready()
        for tag in self._received:  # those that were told of are not found
            self.task_consumer.channel.qos.restore_by_tag(tag)
        self._received = ()

    def call_soon_ack(self, p: Callable[..., None], *args: object, **kwargs: object) -> object:
        """`p`: the method of a message by which its broker is told."""
        return super().call_soon_ack(partial(_unless_it_is_gone, p), *args, **kwargs)  # type: ignore[misc]


def _unless_it_is_gone(tell: Callable[..., None], *args: object, **kwargs: object) -> None:
    channel: Any = tell.__self__.channel  # type: ignore[attr-defined]
    if not channel.closed:
        tell(*args, **kwargs)
