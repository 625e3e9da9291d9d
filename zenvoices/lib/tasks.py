"""What tasks are made of. Only who queues or carries out tasks loads Celery: most commands do neither."""

from __future__ import annotations

from importlib import import_module
from typing import Any
from uuid import UUID

from celery import Task
from celery import current_app as current_app
from celery import shared_task as shared_task

from zenvoices.lib.scoping import administration_scope

# Makes ours the current Celery app wherever there is a task, so that it goes to our broker.
import_module("zenvoices.celery")


class TenantTask(Task):
    """First argument: the administration's id. The task runs inside its scope; arguments are ids, never contents."""

    abstract = True

    def __call__(self, administration_id: str, *args: Any, **kwargs: Any) -> Any:
        with administration_scope(UUID(administration_id)):
            return super().__call__(administration_id, *args, **kwargs)
