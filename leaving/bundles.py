"""Deleting in portions: years of mails are too much for one transaction, and for memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.db.models import QuerySet

Alive = Callable[[], None]
AT_ONCE: Final = 1_000


def in_bundles(rows: QuerySet[Any], alive: Alive, erase: Callable[[QuerySet[Any]], object] = QuerySet.delete) -> None:
    """Each a short transaction; `alive` is called before each."""
    while ids := list(rows.order_by().values_list("pk", flat=True)[:AT_ONCE]):
        alive()
        erase(rows.filter(pk__in=ids))
