"""The operator's first command."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from administrations.access import role_in
from administrations.models import Administration, Environment, Role, User
from tests.cast import PASSWORD, Cast


def run(**changes: str) -> dict[str, Any]:
    out = io.StringIO()
    options = {
        "environment": "Kantoor Nieuw",
        "name": "Eerste",
        "plan": "premium",
        "admin": "baas@nieuw.test",
        "password_env": "NEW_PASSWORD",
        **changes,
    }
    try:
        call_command("create_administration", **options, stdout=out)
    except SystemExit as end:
        return {"exit": end.code, **json.loads(out.getvalue())}
    return dict(json.loads(out.getvalue()))


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEW_PASSWORD", PASSWORD)


def test_command_makes_environment_administration_and_beheerder(db: None) -> None:
    said = run()
    made = Administration.objects.get()
    user = User.objects.get()
    assert said == {"administration": str(made.pk), "environment": str(made.environment_id), "user": "baas@nieuw.test"}
    assert (made.environment.name, made.name, made.is_premium) == ("Kantoor Nieuw", "Eerste", True)
    assert (role_in(user, made), user.check_password(PASSWORD)) == (Role.ADMIN, True)


def test_command_reuses_what_exists_and_keeps_the_password(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEW_PASSWORD", "Iets-heel-anders-7")
    said = run(environment="Kantoor Jansen", name="Derde", plan="basic", admin="Gerda@devries.test")
    cast.gerda.refresh_from_db()
    assert said["environment"] == str(cast.office.pk)
    assert (role_in(cast.gerda, cast.basic), cast.gerda.check_password(PASSWORD)) == (Role.ADMIN, True)


def test_command_refuses_a_second_administration_of_that_name(cast: Cast) -> None:
    said = run(environment="Kantoor Jansen", name=cast.basic.name)
    assert (said["exit"], said["error"]["code"]) == (1, "administration_exists")
    assert not User.objects.filter(email="baas@nieuw.test").exists()


def test_command_refuses_a_weak_password(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEW_PASSWORD", "kort")
    said = run()
    assert (said["exit"], said["error"]["code"]) == (1, "weak_password")
    assert not Environment.objects.exists()


@pytest.mark.parametrize("changes", [{"password_env": "NO_SUCH_VARIABLE"}, {"admin": "nobody"}, {"name": " "}])
def test_wrong_use_ends_with_two(db: None, changes: dict[str, str]) -> None:
    with pytest.raises(CommandError) as caught:
        run(**changes)
    assert caught.value.returncode == 2
