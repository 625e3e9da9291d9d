from __future__ import annotations

import time

import pytest

from channels.mailboxes.remembered import DAY, Remembered


def test_server_is_remembered_for_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 5.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    remembered = Remembered()
    remembered.add(("mail.acme.test", 993))
    now += DAY - 1
    assert ("mail.acme.test", 993) in remembered
    assert ("mail.acme.test", 995) not in remembered
    now += 1
    assert ("mail.acme.test", 993) not in remembered


def test_servers_remembered_are_bounded() -> None:
    """The one that was spoken of longest ago is forgotten."""
    remembered = Remembered(most=2)
    for port in (1, 2, 1, 3):
        remembered.add(port)
    assert [port for port in (1, 2, 3) if port in remembered] == [1, 3]
