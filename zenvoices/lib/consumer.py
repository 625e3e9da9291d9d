"""How a worker hears of its tasks."""

from __future__ import annotations

from typing import Any

from celery.worker.consumer import Consumer


class OutlivesItsBroker(Consumer):
    """What this process has received it carries out itself, also when the broker went away meanwhile.

    Kombu would give back to the broker what no thread has begun, as at the end of a process. Where the broker is away
    that is a fault of its own (`_connparams`, "'NoneType' object has no attribute 'hostname'"), for which Celery knows
    no answer: the worker ends, as soon as all that it is at has ended.
    """

    task_consumer: Any  #: Celery's, of which its stubs do not know

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        if self.task_consumer is not None:
            self.task_consumer.channel.do_restore = False
        super().on_connection_error_after_connected(exc)
