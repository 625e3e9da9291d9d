"""How long somebody stays signed in, and who ends it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations import services
from administrations.models import Role, User
from administrations.sessions import NOTED, SINCE, device
from tests.cast import PASSWORD, Cast
from tests.trail import told
from zenvoices.lib.sessions import key_of

pytestmark = pytest.mark.thorough

SignIn = Callable[[User], Client]
HOUR, DAY = 3600, 86_400
NEW = "Zeven-groene-olifanten-24"


def sign_in(user: User, **more: Any) -> Client:
    client = Client()
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD, **more})
    return client


def is_in(client: Client) -> bool:
    return client.get(reverse("my-settings")).status_code == 200


def cookie(client: Client, settings: Any) -> Any:
    return client.cookies[settings.SESSION_COOKIE_NAME]


def row(client: Client, settings: Any) -> Session:
    return Session.objects.get(session_key=key_of(cookie(client, settings).value))


def remember(client: Client, **values: Any) -> None:
    session = client.session
    session.update(values)
    session.save()


# --- How long ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ticked", "age"), [({}, ""), ({"remember": "on"}, 14 * DAY)])
def test_staying_signed_in_is_a_choice(cast: Cast, settings: Any, ticked: dict[str, str], age: Any) -> None:
    """Else the cookie ends with the browser."""
    assert cookie(sign_in(cast.gerda, **ticked), settings)["max-age"] == age


@pytest.mark.parametrize(
    ("language", "words"), [("nl", ("Aangemeld blijven", "14 dagen")), ("en", ("Stay signed in", "14 days"))]
)
def test_choice_says_how_long(db: None, client: Client, language: str, words: tuple[str, ...]) -> None:
    page = client.get(reverse("account_login"), headers={"Accept-Language": language}).content.decode()
    label = re.search(r'<label for="id_remember">([^<]+)</label>', page)
    assert label
    assert (label[1].strip(), words[1] in page) == (words[0], True)


def test_session_ends_after_a_time_without_use(cast: Cast, settings: Any) -> None:
    gerda = sign_in(cast.gerda)
    assert is_in(gerda)
    left = row(gerda, settings).expire_date - timezone.now()
    assert left.total_seconds() <= settings.SESSION_IDLE_HOURS * HOUR
    Session.objects.update(expire_date=timezone.now())
    answer = gerda.get(reverse("my-settings"))
    assert answer.headers["Location"] == f"{reverse('account_login')}?next={reverse('my-settings')}"
    assert "Je was afgemeld." in gerda.get(answer.headers["Location"]).content.decode()


def test_use_puts_the_end_off_and_is_written_once_a_minute(cast: Cast, settings: Any) -> None:
    gerda = sign_in(cast.gerda)
    soon = timezone.now() + timezone.timedelta(minutes=5)
    Session.objects.update(expire_date=soon)
    UserSession.objects.update(last_seen_at=timezone.now() - timezone.timedelta(days=1))
    assert is_in(gerda)
    once = row(gerda, settings).expire_date
    assert once > soon
    assert UserSession.objects.get().last_seen_at > timezone.now() - timezone.timedelta(hours=1)
    assert is_in(gerda)
    assert row(gerda, settings).expire_date == once


def test_page_that_asks_by_itself_is_no_use(cast: Cast, settings: Any) -> None:
    gerda = sign_in(cast.gerda)
    soon = timezone.now() + timezone.timedelta(minutes=5)
    Session.objects.update(expire_date=soon)
    gerda.get(reverse("my-settings"), headers={"X-Asked-By-Itself": "yes"})
    assert row(gerda, settings).expire_date == soon
    assert is_in(gerda)
    assert row(gerda, settings).expire_date > soon


@pytest.mark.parametrize("ticked", [{}, {"remember": "on"}])
def test_no_session_lives_longer_than_its_days_however_much_it_is_used(
    cast: Cast, settings: Any, ticked: dict[str, str]
) -> None:
    gerda = sign_in(cast.gerda, **ticked)
    remember(gerda, **{SINCE: int(time.time()) - settings.SESSION_DAYS * DAY + HOUR})
    assert is_in(gerda)
    remember(gerda, **{SINCE: int(time.time()) - settings.SESSION_DAYS * DAY - 1})
    assert not is_in(gerda)
    assert not Session.objects.filter(session_key=key_of(cookie(gerda, settings).value)).exists()


def test_session_of_before_this_was_noted_counts_from_its_next_use(cast: Cast, signed_in: SignIn) -> None:
    gerda = signed_in(cast.gerda)
    session = gerda.session
    session.pop(SINCE, None)
    session.pop(NOTED, None)
    session.save()
    assert is_in(gerda)
    assert gerda.session[SINCE] > time.time() - HOUR


def test_what_another_request_keeps_in_the_session_is_not_written_over(cast: Cast, signed_in: SignIn) -> None:
    """The note of use is written when the request begins, not with what was read long before its end."""
    gerda = signed_in(cast.gerda)
    assert is_in(gerda)
    remember(gerda, kept="by another", **{NOTED: 0})
    assert is_in(gerda)
    assert gerda.session["kept"] == "by another"


# --- What ends it -----------------------------------------------------------------------------------------


def reset_link(user: User) -> str:
    Client().post(reverse("account_reset_password"), {"email": user.email})
    found = re.search(r"http://\S+?(/account/password/reset/key/\S+)", mail.outbox[-1].body)
    assert found
    return found[1]


def change_password(client: Client) -> None:
    words = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert client.post(reverse("account_change_password"), words).status_code == 302


def test_another_password_ends_the_other_sessions_and_every_link_for_a_new_one(cast: Cast) -> None:
    here, elsewhere, link = sign_in(cast.gerda), sign_in(cast.gerda, remember="on"), reset_link(cast.gerda)
    change_password(here)
    assert (is_in(here), is_in(elsewhere)) == (True, False)
    page = Client().get(link, follow=True).content.decode()
    assert 'name="password1"' not in page
    assert list(Session.objects.values_list("session_key", flat=True)) == [here.session.session_key]


def test_link_for_a_new_password_ends_every_session_and_the_other_links(cast: Cast) -> None:
    elsewhere, first, second = sign_in(cast.gerda), reset_link(cast.gerda), reset_link(cast.gerda)
    browser = Client()
    form = browser.get(first, follow=True).redirect_chain[-1][0]
    browser.post(form, {"password1": NEW, "password2": NEW})
    assert not is_in(elsewhere)
    assert 'name="password1"' not in Client().get(second, follow=True).content.decode()
    assert not Session.objects.filter(session_key=elsewhere.session.session_key).exists()


def test_link_for_a_new_password_of_somebody_who_was_ended_is_worth_nothing(cast: Cast) -> None:
    link = reset_link(cast.gerda)
    User.objects.filter(pk=cast.gerda.pk).update(is_active=False)
    assert 'name="password1"' not in Client().get(link, follow=True).content.decode()


def test_who_leaves_their_last_environment_is_signed_out_everywhere(cast: Cast) -> None:
    gerda = sign_in(cast.gerda)
    services.set_role(administration=cast.bakery, user=cast.gerda, role=None)
    assert not is_in(gerda)
    assert not UserSession.objects.filter(user=cast.gerda).exists()


def test_who_keeps_another_environment_stays_signed_in(cast: Cast) -> None:
    services.set_role(administration=cast.foreign, user=cast.gerda, role=Role.USER)
    gerda = sign_in(cast.gerda)
    services.remove_person(environment=cast.office, user=cast.gerda)
    assert is_in(gerda)


# --- Whom the Beheerder signs out -------------------------------------------------------------------------


def sessions_page(cast: Cast) -> str:
    return reverse("environment-sessions", args=[cast.office.pk])


def test_beheerder_sees_who_is_signed_in_where_and_since_when(cast: Cast, signed_in: SignIn) -> None:
    phone = Client(
        headers={"User-Agent": "Mozilla/5.0 (Linux; Android 14) Chrome/130.0 Mobile"}, REMOTE_ADDR="192.0.2.7"
    )
    phone.post(reverse("account_login"), {"login": cast.gerda.email, "password": PASSWORD})
    sign_in(cast.charlie)
    page = signed_in(cast.anna).get(sessions_page(cast)).content.decode()
    assert [word for word in ("Gerda Bakker", "192.0.2.7", "Chrome op Android") if word not in page] == []
    assert "Charlie" not in page


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 "
         "Safari/537.36 Edg/130.0.0.0", "Edge op Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Version/18.0 Mobile/15E148 Safari/604.1", "Safari op iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:131.0) Gecko/20100101 Firefox/131.0", "Firefox op macOS"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", ""),
    ],
)  # fmt: skip
def test_browser_is_called_by_its_name(said: str, read: str) -> None:
    assert device(said) == read


def test_session_that_is_over_is_not_in_the_list(cast: Cast, signed_in: SignIn) -> None:
    gerda, bert = sign_in(cast.gerda), sign_in(cast.bert)
    gerda.post(reverse("account_logout"))
    Session.objects.filter(session_key=bert.session.session_key).update(expire_date=timezone.now())
    page = signed_in(cast.anna).get(sessions_page(cast)).content.decode()
    assert [name for name in ("Gerda Bakker", "Bert de Vries") if name in page.partition("<main")[2]] == []


def test_beheerder_ends_one_session_and_the_others_stay(cast: Cast, signed_in: SignIn) -> None:
    phone, laptop, anna = sign_in(cast.gerda), sign_in(cast.gerda), signed_in(cast.anna)
    one = UserSession.objects.get(session_key=phone.session.session_key)
    answer = anna.post(reverse("environment-session-end", args=[cast.office.pk, one.pk]), follow=True)
    assert "De sessie van Gerda Bakker is beëindigd." in answer.content.decode()
    assert (is_in(phone), is_in(laptop)) == (False, True)
    assert told(cast.office) == [("Anna Jansen", "session.ended", "Gerda Bakker")]


def test_beheerder_ends_all_sessions_of_somebody(cast: Cast, signed_in: SignIn) -> None:
    browsers = [sign_in(cast.gerda), sign_in(cast.gerda)]
    signed_in(cast.anna).post(reverse("environment-person-sessions-end", args=[cast.office.pk, cast.gerda.pk]))
    assert [is_in(browser) for browser in browsers] == [False, False]
    assert told(cast.office) == [("Anna Jansen", "session.all_ended", "Gerda Bakker")]


def test_beheerder_who_ends_all_of_their_own_keeps_this_one(cast: Cast) -> None:
    here, elsewhere = sign_in(cast.anna), sign_in(cast.anna)
    here.post(reverse("environment-person-sessions-end", args=[cast.office.pk, cast.anna.pk]))
    assert (is_in(here), is_in(elsewhere)) == (True, False)


def test_session_of_a_stranger_is_not_found(cast: Cast, signed_in: SignIn) -> None:
    charlie = sign_in(cast.charlie)
    one = UserSession.objects.get(session_key=charlie.session.session_key)
    answer = signed_in(cast.anna).post(reverse("environment-session-end", args=[cast.office.pk, one.pk]))
    assert (answer.status_code, told(cast.foreign_office)) == (404, [])
    assert is_in(charlie)


def test_list_asks_the_database_the_same_for_one_and_for_many(
    cast: Cast, signed_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    anna = signed_in(cast.anna)
    for _ in range(5):
        sign_in(cast.gerda)
    anna.get(sessions_page(cast))
    with django_assert_max_num_queries(16):
        anna.get(sessions_page(cast))
