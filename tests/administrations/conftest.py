"""What every test of people and their accounts begins with."""

from __future__ import annotations

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    """Sign-ins are limited by address, and all tests have one."""
    cache.clear()
