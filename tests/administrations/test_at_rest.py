"""What the database holds of sign-ins opens nothing for whoever reads it."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from administrations import two_factor
from channels.models import ChannelSecret
from tests.administrations.test_signing_in import code_for, sign_in
from tests.cast import Cast
from tests.channels.rows import make_channel
from zenvoices.doctor.parts import Ill
from zenvoices.doctor.services import keys
from zenvoices.lib.crypto import KeyProblem, KeyRing, new_key
from zenvoices.lib.scoping import administration_scope
from zenvoices.lib.sessions import key_of

GERDA = "gerda@devries.test"
secrets_at_rest = import_module("zenvoices.migrations.0001_secrets_at_rest")


def cookie_of(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def stored() -> list[dict[str, object]]:
    """As it lies in the table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM mfa_authenticator ORDER BY id")
        return [row if isinstance(row, dict) else json.loads(row) for (row,) in cursor.fetchall()]


def is_encrypted(text: object, key: str) -> bool:
    return str(text).startswith(f"1.{key}.")


@pytest.fixture
def app_and_codes(cast: Cast) -> tuple[str, list[str]]:
    """The secret of Gerda's app, and her recovery codes."""
    secret = generate_totp_secret()
    TOTP.activate(cast.gerda, secret)
    return secret, RecoveryCodes.activate(cast.gerda).generate_codes()


def opens(cast: Cast, app_and_codes: tuple[str, list[str]]) -> tuple[bool, bool]:
    """Whether the app's code and the recovery codes are still those."""
    app = Authenticator.objects.get(user=cast.gerda, type="totp").wrap()
    codes = Authenticator.objects.get(user=cast.gerda, type="recovery_codes").wrap()
    return app.validate_code(code_for(app_and_codes[0])), codes.generate_codes() == app_and_codes[1]


def test_secrets_of_two_factor_are_encrypted_and_open(cast: Cast, app_and_codes: tuple[str, list[str]]) -> None:
    current = two_factor.key_ring().current
    app, codes = stored()
    assert (is_encrypted(app["secret"], current), is_encrypted(codes["seed"], current)) == (True, True)
    assert opens(cast, app_and_codes) == (True, True)


def test_rotation_takes_the_secrets_of_two_factor_along(
    cast: Cast, app_and_codes: tuple[str, list[str]], settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.CREDENTIAL_KEYS = [new_key(), *settings.CREDENTIAL_KEYS]
    call_command("rotate_credential_keys")
    call_command("rotate_credential_keys")
    rotated = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    settings.CREDENTIAL_KEYS = settings.CREDENTIAL_KEYS[:1]
    assert (rotated, opens(cast, app_and_codes)) == ([{"rotated": 2}, {"rotated": 0}], (True, True))


def test_rotation_goes_on_past_what_no_key_opens(
    cast: Cast, app_and_codes: tuple[str, list[str]], settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = KeyRing([new_key()])
    Authenticator.objects.create(
        user=cast.bert, type="totp", data={"secret": lost.encrypt("x", belongs_to=two_factor.PLACE)}
    )
    with administration_scope(cast.bakery.pk):
        for channel in (make_channel(cast.bakery), make_channel(cast.bakery)):
            last = ChannelSecret.objects.filter(channel=channel)
        last.update(ciphertext=lost.encrypt("x", belongs_to="elsewhere"))
    settings.CREDENTIAL_KEYS = [new_key(), *settings.CREDENTIAL_KEYS]
    with pytest.raises(SystemExit):
        call_command("rotate_credential_keys")
    done, error = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (done, error["error"]["code"]) == ({"rotated": 3}, "key_missing")
    assert "2 secrets" in error["error"]["text"]
    settings.CREDENTIAL_KEYS = settings.CREDENTIAL_KEYS[:1]
    assert opens(cast, app_and_codes) == (True, True)


def test_doctor_opens_the_secrets_of_two_factor_too(
    cast: Cast, app_and_codes: tuple[str, list[str]], settings: Any
) -> None:
    assert "there are 2" in keys()
    settings.CREDENTIAL_KEYS = [new_key()]
    with pytest.raises(Ill, match="2 secrets of two-factor sign-in"):
        keys()


def test_app_whose_key_is_gone_lets_nobody_in(cast: Cast, app_and_codes: tuple[str, list[str]], settings: Any) -> None:
    settings.CREDENTIAL_KEYS = [new_key()]
    with pytest.raises(KeyProblem):
        opens(cast, app_and_codes)


def test_rows_of_before_are_encrypted_by_the_migration(cast: Cast) -> None:
    readable = {"totp": {"secret": "JBSWY3DPEHPK3PXP"}, "recovery_codes": {"seed": "ab12" * 20, "used_mask": 1}}
    for kind, data in readable.items():
        Authenticator.objects.create(user=cast.gerda, type=kind, data=data)
    for _twice in range(2):
        secrets_at_rest.encrypt_two_factor(apps, None)
    adapter = two_factor.MFAAdapter()
    app, codes = stored()
    assert "JBSWY3DPEHPK3PXP" not in str(app)
    assert adapter.decrypt(str(app["secret"])) == "JBSWY3DPEHPK3PXP"
    assert (adapter.decrypt(str(codes["seed"])), codes["used_mask"]) == ("ab12" * 20, 1)


def test_database_knows_no_cookie_of_a_session(cast: Cast, client: Client) -> None:
    sign_in(client, GERDA)
    kept = {*Session.objects.values_list("pk", flat=True), *UserSession.objects.values_list("session_key", flat=True)}
    assert kept == {key_of(cookie_of(client))}


def test_key_of_the_row_signs_nobody_in(cast: Cast, client: Client) -> None:
    sign_in(client, GERDA)
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = Session.objects.get().pk
    answers = [browser.get(reverse("my-settings")).status_code for browser in (client, thief)]
    assert answers == [200, 302]


def test_signing_in_gives_another_cookie_and_signing_out_ends_it(cast: Cast, client: Client) -> None:
    client.session["before"] = 1
    before = cookie_of(client)
    sign_in(client, GERDA)
    after = cookie_of(client)
    client.post(reverse("account_logout"))
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = after
    assert (before == after, thief.get(reverse("my-settings")).status_code) == (False, 302)


def test_person_ends_the_sessions_elsewhere_and_stays(cast: Cast, client: Client) -> None:
    elsewhere = Client()
    for browser in (elsewhere, client):
        sign_in(browser, GERDA)
    page = client.get(reverse("usersessions_list"))
    marked = page.content.decode().count('<span class="tag">')
    client.post(reverse("usersessions_list"))
    answers = [browser.get(reverse("my-settings")).status_code for browser in (client, elsewhere)]
    assert (len(page.context["sessions"]), marked, answers) == (2, 1, [200, 302])


def test_session_of_before_the_migration_goes_on(cast: Cast, client: Client) -> None:
    sign_in(client, GERDA)
    cookie, key = cookie_of(client), key_of(cookie_of(client))
    Session.objects.filter(pk=key).update(session_key=cookie)
    UserSession.objects.filter(session_key=key).update(session_key=cookie)
    for _twice in range(2):
        secrets_at_rest.hash_session_keys(apps, None)
    assert client.get(reverse("my-settings")).status_code == 200
    assert (Session.objects.get().pk, UserSession.objects.get().session_key) == (key, key)
