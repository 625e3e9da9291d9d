"""list_notifications."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from django.core.management import call_command

from tests.cast import Cast
from tests.notifications.rows import make_notification


def test_list_notifications_prints_a_line_each_newest_first(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    make_notification(cast.bakery, cast.gerda, created_at=datetime(2026, 11, 22, 15, 5, tzinfo=UTC))
    make_notification(cast.bakery, cast.bert)
    call_command("list_notifications", user="GERDA@devries.test")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        {
            "kind": "channel_deactivated",
            "administration": str(cast.bakery.pk),
            "channel": None,
            "text": "Kanaal jan is inactief. Er wacht post.",
            "created_at": "2026-11-22T15:05:00+00:00",
            "read_at": None,
        }
    ]


def test_list_notifications_of_nobody_fails(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        call_command("list_notifications", user="nobody@devries.test")
    assert stopped.value.code == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "user_unknown"
