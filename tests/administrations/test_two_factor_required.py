"""An environment whose Beheerder asks for a second step is open to nobody without one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.test import Client
from django.urls import reverse

from administrations import services
from administrations.models import Environment, Role, User
from tests.cast import PASSWORD, Cast
from tests.notifications.rows import make_notification
from tests.trail import told
from tests.zenvoices.url_policy import ADMIN, OFFICE, POLICY, SUBMITTER, USER

pytestmark = [pytest.mark.thorough, pytest.mark.once]

SignIn = Callable[[User], Client]
BEHIND = sorted(
    name
    for name, row in POLICY.items()
    if row.needs in (SUBMITTER, USER, ADMIN, OFFICE) and name != "two-factor-needed"
)


def ask_for_it(environment: Environment) -> None:
    Environment.objects.filter(pk=environment.pk).update(requires_two_factor=True)


def set_up(user: User, kind: str = "totp") -> None:
    Authenticator.objects.create(user=user, type=kind, data={})


def documents(cast: Cast) -> str:
    return reverse("documents", args=[cast.bakery.pk])


def browser(user: User) -> Client:
    """In which they typed their password."""
    client = Client()
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    return client


def having_shown(client: Client, user: User, kind: str = "totp") -> Client:
    """As allauth notes it."""
    session = client.session
    session["account_authentication_methods"] = [{"method": "password"}, {"method": "mfa", "type": kind}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


def code(secret: str, later: int = 0) -> str:
    """`later`: of so many steps of 30 seconds from now; a code is taken once."""
    counter = int(time.time()) // 30 + later
    return format_hotp_value(hotp_value(secret, counter))


def needed(environment: Environment) -> str:
    return reverse("two-factor-needed", args=[environment.pk])


@pytest.mark.parametrize("name", BEHIND)
@pytest.mark.parametrize("method", ["get", "post"])
def test_every_page_of_it_leads_to_setting_it_up(cast: Cast, signed_in: SignIn, name: str, method: str) -> None:
    row = POLICY[name]
    address = reverse(name, kwargs=row.ids(cast))
    if not getattr(row, method):
        return
    ask_for_it(cast.office)
    answer = getattr(signed_in(cast.anna), method)(address)
    assert (answer.status_code, answer.headers.get("Location")) == (302, needed(cast.office))


@pytest.mark.parametrize("kind", ["totp", "webauthn"])
def test_session_that_showed_a_second_step_works_on(cast: Cast, signed_in: SignIn, kind: str) -> None:
    ask_for_it(cast.office)
    set_up(cast.gerda, kind)
    gerda = having_shown(signed_in(cast.gerda), cast.gerda, kind)
    assert gerda.get(documents(cast)).status_code == 200
    assert gerda.get(needed(cast.office)).headers["Location"] == reverse("home")


@pytest.mark.django_db(transaction=True)
def test_session_from_before_it_was_set_up_is_asked_and_goes_on_when_it_shows_it(cast: Cast) -> None:
    """It may lie open in a browser that is no longer theirs. allauth tells of setting up after the commit."""
    ask_for_it(cast.office)
    old, here = browser(cast.gerda), browser(cast.gerda)
    here.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    secret = here.get(reverse("mfa_activate_totp")).context["form"].secret
    here.post(reverse("mfa_activate_totp"), {"code": code(secret)})
    assert here.get(documents(cast)).status_code == 200
    refused = old.get(documents(cast))
    assert (refused.status_code, refused.headers["Location"]) == (302, needed(cast.office))
    page = old.get(needed(cast.office)).text
    there = f"{reverse('mfa_reauthenticate')}?next={needed(cast.office)}"
    assert (there in page, reverse("mfa_activate_totp") in page) == (True, False)
    shown = old.post(there, {"code": code(secret, later=1), "next": needed(cast.office)})
    assert (shown.headers["Location"], old.get(documents(cast)).status_code) == (needed(cast.office), 200)


def test_signing_in_with_it_is_enough(cast: Cast) -> None:
    ask_for_it(cast.office)
    TOTP.activate(cast.gerda, "JBSWY3DPEHPK3PXP")
    gerda = browser(cast.gerda)
    assert gerda.get(documents(cast)).headers["Location"].startswith(reverse("account_login"))
    gerda.post(reverse("mfa_authenticate"), {"code": code("JBSWY3DPEHPK3PXP")})
    assert gerda.get(documents(cast)).status_code == 200


def test_who_gives_their_second_step_up_is_asked_again(cast: Cast) -> None:
    ask_for_it(cast.office)
    TOTP.activate(cast.gerda, "JBSWY3DPEHPK3PXP")
    gerda = browser(cast.gerda)
    gerda.post(reverse("mfa_authenticate"), {"code": code("JBSWY3DPEHPK3PXP")})
    Authenticator.objects.filter(user=cast.gerda).delete()
    assert gerda.get(documents(cast)).headers["Location"] == needed(cast.office)


def test_codes_alone_are_no_second_step(cast: Cast, signed_in: SignIn) -> None:
    ask_for_it(cast.office)
    set_up(cast.gerda, "recovery_codes")
    assert signed_in(cast.gerda).get(reverse("documents", args=[cast.bakery.pk])).status_code == 302


def test_their_other_environment_stays_open(cast: Cast, signed_in: SignIn) -> None:
    services.set_role(administration=cast.foreign, user=cast.gerda, role=Role.USER)
    ask_for_it(cast.office)
    gerda = signed_in(cast.gerda)
    assert gerda.get(reverse("documents", args=[cast.foreign.pk])).status_code == 200
    assert gerda.get(reverse("documents", args=[cast.bakery.pk])).status_code == 302


def test_what_happened_there_is_not_told_before(cast: Cast, signed_in: SignIn) -> None:
    services.set_role(administration=cast.foreign, user=cast.gerda, role=Role.USER)
    for administration, text in ((cast.bakery, "Kanaal een stopt."), (cast.foreign, "Kanaal twee stopt.")):
        make_notification(administration, cast.gerda, text_nl=text)
    ask_for_it(cast.office)
    notice = make_notification(cast.bakery, cast.gerda)
    gerda = signed_in(cast.gerda)
    page = gerda.get(reverse("notifications")).content.decode()
    assert ("Kanaal een stopt." in page, "Kanaal twee stopt." in page) == (False, True)
    assert gerda.get(reverse("notification-open", args=[notice.pk])).status_code == 404


def test_ladder_is_climbed_first(cast: Cast, signed_in: SignIn) -> None:
    """A stranger hears nothing of the environment, and who may not enter a page is told so."""
    ask_for_it(cast.office)
    assert signed_in(cast.charlie).get(reverse("documents", args=[cast.bakery.pk])).status_code == 404
    assert signed_in(cast.charlie).get(needed(cast.office)).status_code == 404
    assert signed_in(cast.arie).get(reverse("channels", args=[cast.bakery.pk])).status_code == 403


def test_script_of_a_page_is_sent_there_whole(cast: Cast, signed_in: SignIn) -> None:
    gerda = signed_in(cast.gerda)
    ask_for_it(cast.office)
    answer = gerda.get(reverse("documents", args=[cast.bakery.pk]), headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"], answer.content) == (403, needed(cast.office), b"")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nl", ("Kantoor Jansen vraagt tweestapsverificatie", "Nu instellen")),
        ("en", ("Kantoor Jansen asks for two-factor authentication", "Set up now")),
    ],
)
def test_page_says_who_asks_and_where_to_set_it_up(
    cast: Cast, signed_in: SignIn, language: str, words: tuple[str, ...]
) -> None:
    ask_for_it(cast.office)
    gerda = signed_in(cast.gerda)
    page = gerda.get(needed(cast.office), headers={"Accept-Language": language}).content.decode()
    assert [each for each in (*words, reverse("mfa_activate_totp")) if each not in page] == []


def test_beheerder_asks_for_it_and_sees_who_has_none(cast: Cast, signed_in: SignIn) -> None:
    set_up(cast.anna)
    set_up(cast.bert)
    anna, page = having_shown(signed_in(cast.anna), cast.anna), reverse("environment-settings", args=[cast.office.pk])
    assert (
        "geen tweestapsverificatie"
        not in anna.get(reverse("environment-people", args=[cast.office.pk])).content.decode()
    )
    answer = anna.post(page, {"requires_two_factor": "on"}, follow=True)
    cast.office.refresh_from_db()
    assert cast.office.requires_two_factor
    assert "De instellingen zijn opgeslagen." in answer.content.decode()
    people: Any = anna.get(reverse("environment-people", args=[cast.office.pk])).content.decode()
    assert people.count("geen tweestapsverificatie") == 2  # Gerda and Arie
    assert told(cast.office)[-1] == ("Anna Jansen", "environment.changed", "Kantoor Jansen")
    anna.post(page, {})
    cast.office.refresh_from_db()
    assert not cast.office.requires_two_factor
