"""The end of the portal's own registrations reaches the operator in time: each threshold once, on every way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client

from channels import operator_reminders, tasks
from notifications.models import OperatorAlert
from notifications.tasks import send_emails
from tests.channels.certificates import certificate_pem, key_pem, new_key

END = date(2027, 3, 1)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def clock(db: None, settings: Any) -> Iterator[time_machine.Coordinates]:
    settings.OPERATOR_EMAIL = "beheer@portaal.test"
    settings.GOOGLE_CLIENT_ID, settings.GOOGLE_CLIENT_SECRET = "id", "secret"
    settings.GOOGLE_CLIENT_SECRET_EXPIRES_ON = END
    with time_machine.travel(datetime(2026, 12, 1, 12, tzinfo=UTC), tick=False) as clock:
        yield clock


def at(clock: time_machine.Coordinates, before: int) -> None:
    clock.move_to(datetime(END.year, END.month, END.day, 12, tzinfo=UTC) - timedelta(days=before))


def test_end_of_a_registration_is_told_once_for_each_threshold(clock: time_machine.Coordinates) -> None:
    told = []
    for before in range(65, -4, -1):
        at(clock, before)
        told += [before] * (operator_reminders.look() + operator_reminders.look())
    assert told == [60, 30, 14, 7, 1, 0]


@pytest.mark.parametrize(("before", "days"), [(10, [10, 7, 1, 0]), (-2, [-2])])
def test_first_look_tells_what_is_near_already(clock: time_machine.Coordinates, before: int, days: list[int]) -> None:
    told = []
    for left in range(before, -5, -1):
        at(clock, left)
        told += [left] * operator_reminders.look()
    assert told == days


def test_another_end_begins_anew(clock: time_machine.Coordinates, settings: Any) -> None:
    at(clock, 5)
    assert operator_reminders.look() == 1
    settings.GOOGLE_CLIENT_SECRET_EXPIRES_ON = END + timedelta(days=20)
    assert (operator_reminders.look(), operator_reminders.look()) == (1, 0)


def test_tick_tells_it_and_it_is_mailed_in_both_languages(
    clock: time_machine.Coordinates, caplog: pytest.LogCaptureFixture
) -> None:
    at(clock, 14)
    tasks.tick()
    tasks.tick()
    send_emails()
    (letter,) = mail.outbox
    assert letter.to == ["beheer@portaal.test"]
    assert "at Google ends in 14 days, on 1 Mar 2027: replace its secret or certificate." in letter.body
    assert "bij Google verloopt over 14 dagen, op 1 mrt 2027: vervang het geheim of certificaat." in letter.body
    assert len([record for record in caplog.records if record.name == "notifications.operator"]) == 1
    assert OperatorAlert.objects.get().code == "registration_ends:Google:2027-03-01:14"


@pytest.mark.parametrize(("name", "value"), [("GOOGLE_CLIENT_SECRET_EXPIRES_ON", None), ("GOOGLE_CLIENT_ID", "")])
def test_registration_that_is_none_or_ends_never_is_not_told(
    clock: time_machine.Coordinates, settings: Any, name: str, value: object
) -> None:
    at(clock, 1)
    setattr(settings, name, value)
    assert operator_reminders.look() == 0


def test_days_that_are_left_are_a_figure(clock: time_machine.Coordinates, client: Client) -> None:
    at(clock, 12)
    assert 'zenvoices_registration_days_left{provider="Google"} 12.0' in client.get("/metrics").text


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ENTRA_CLIENT_SECRET_EXPIRES_ON", "soon", "_EXPIRES_ON is 'soon', which is no day. Write a day as 2027-03-31"),
        ("GOOGLE_CLIENT_SECRET_EXPIRES_ON", "31-3-2027", "is '31-3-2027', which is no day. Write a day as 2027-03-31"),
        ("ENTRA_CLIENT_CERTIFICATE", "/nowhere/app.pem", "ENTRA_CLIENT_CERTIFICATE cannot be used: No such"),
        ("ENTRA_CLIENT_CERTIFICATE", "apart.pem", "It names a file with an RSA key without password and its cert"),
        ("ENTRA_CLIENT_CERTIFICATE", "good.pem", ""),
    ],
)  # fmt: skip
def test_nonsense_stops_the_portal_at_its_start_with_a_sentence(
    tmp_path: Path, name: str, value: str, said: str
) -> None:
    key, other = new_key(), new_key()
    (tmp_path / "good.pem").write_text(key_pem(key) + certificate_pem(key))
    (tmp_path / "apart.pem").write_text(key_pem(key) + certificate_pem(other))
    given = str(tmp_path / value) if value.endswith(".pem") and "/" not in value else value
    made = {"DATA_DIR": str(tmp_path / "data"), "SECRET_KEY": "x", "CREDENTIAL_KEYS": "A" * 43 + "=", name: given}
    done = subprocess.run(
        [sys.executable, "-c", "import zenvoices.settings"], cwd=ROOT, env=dict(os.environ) | made, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert (done.returncode != 0, said in done.stderr) == (bool(said), True)
