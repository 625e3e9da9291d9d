"""The base of tasks that work for one administration."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import Task

from zenvoices.lib.scoping import administration_scope_at_need


class TenantTask(Task):
    """First argument: the administration's id. The task runs inside its scope; arguments are ids, never contents."""

    abstract = True

    def __call__(self, administration_id: str, *args: Any, **kwargs: Any) -> Any:
        with administration_scope_at_need(UUID(administration_id)):
            return super().__call__(administration_id, *args, **kwargs)
