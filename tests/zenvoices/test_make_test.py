"""What of this machine reaches `make test`."""

from __future__ import annotations

import pytest

from scripts import test as make_test


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "DEBUG", "PYTHONDONTWRITEBYTECODE"])
def test_settings_of_this_machine_do_not_reach_the_tests(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "1")
    assert name not in make_test._inherited()
