"""A consent link: who holds it sees what is asked and nothing else, and it works once."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations import services as people
from administrations.models import AdministrationAccess, Role, User
from channels import services
from channels.errors import channel_error
from channels.links import tokens
from channels.models import Channel, ConsentLink, PendingAuthorisation
from notifications.models import Notification
from tests.cast import Cast
from tests.channels.followed import follow
from tests.channels.provider import TOKENS, SaidProvider
from tests.channels.test_oauth_views import (
    GOOGLE,
    OUR_OWN,
    SignedIn,
    address,
    ask_provider,
    call_back,
    checks,
    fresh,
    gmail,
    linked,
    said_provider,
    secrets_of,
    title,
)
from zenvoices.lib.scoping import every_administration

pytestmark = [pytest.mark.thorough, pytest.mark.once]

__all__ = ["checks", "said_provider"]  # fixtures


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    cache.clear()


def make_link(client: Client, channel: Channel, email: str = "") -> str:
    """The path of a new link, as the page shows it."""
    page = client.post(address("channel-consent", channel), {"email": email}).content.decode()
    found = re.search(r'id="consent-link">https?://[^/]+([^<]+)<', page)
    assert found
    return found[1]


def only_link() -> ConsentLink:
    with every_administration():
        return ConsentLink.objects.get()


def test_link_is_shown_once_and_kept_as_a_hash(cast: Cast, signed_in: SignedIn) -> None:
    bert, channel = signed_in(cast.bert), gmail(cast.bakery)
    path = make_link(bert, channel)
    token = path.rpartition("/")[2]
    assert token not in repr(vars(only_link()))
    assert token not in bert.get(address("channel-consent", channel)).content.decode()
    assert only_link().expires_at - only_link().created_at < timedelta(days=7, seconds=1)


def test_link_is_sent_by_the_portal(cast: Cast, signed_in: SignedIn) -> None:
    path = make_link(signed_in(cast.bert), gmail(cast.bakery), "jan@gmail.com")
    (sent,) = mail.outbox
    assert sent.to == ["jan@gmail.com"]
    assert path in sent.body
    assert "Bert de Vries van Kantoor Jansen vraagt" in sent.body


@pytest.mark.proof
def test_number_of_links_has_a_bound(cast: Cast, signed_in: SignedIn) -> None:
    bert, channel = signed_in(cast.bert), gmail(cast.bakery)
    answers = [bert.post(address("channel-consent", channel)).status_code for _ in range(21)]
    assert answers == [200] * 20 + [422]


def test_holder_sees_what_it_is_for_and_nothing_else(cast: Cast, signed_in: SignedIn) -> None:
    path = make_link(signed_in(cast.bert), gmail(cast.bakery, name="interne naam"))
    for holder in (Client(), signed_in(cast.charlie)):
        answer = holder.get(path)
        page = answer.content.decode()
        assert answer.status_code == 200
        assert all(word in page for word in ("Kantoor Jansen", "Bakkerij De Vries", "jan@gmail.com", "Bert de Vries"))
        others = ("interne naam", "secret-canary", "/administration/", "/settings", "bert@devries.test")
        assert [word for word in others if word in page] == []
    assert only_link().opened_at is not None


@pytest.mark.parametrize("auth", ["google", "entra"])
def test_administrator_of_the_mailbox_can_agree_from_the_same_page(cast: Cast, signed_in: SignedIn, auth: str) -> None:
    fields = {"auth": "entra", "client_id": "c-1", "tenant_id": "acme.test"} if auth == "entra" else {}
    page = Client().get(make_link(signed_in(cast.bert), gmail(cast.bakery, **fields))).content.decode()
    assert ("/acme.test/adminconsent?client_id=c-1&amp;" in page) is (auth == "entra")


def test_holder_authorises_and_the_beheerder_is_told(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider
) -> None:
    bert, channel, holder = signed_in(cast.bert), gmail(cast.bakery), Client()
    path = make_link(bert, channel)
    holder.get(path)
    holder.get(f"{path}/go", headers=OUR_OWN)
    answer = call_back(holder, said_provider)
    assert answer.headers["Location"] == reverse("consent-done")
    done = holder.get(reverse("consent-done")).content.decode()
    assert "Je hebt Kantoor Jansen toegang gegeven tot jan@gmail.com." in done
    assert set(secrets_of(channel)) == {"client_secret", "tokens"}
    assert (fresh(channel).state, only_link().account) == ("draft", "jan@gmail.com")
    with every_administration():
        told = Notification.objects.filter(kind="mailbox_authorised")
        assert {note.user for note in told} == {cast.anna, cast.bert}
        assert {note.path for note in told} == {address("channel-edit", channel)}
    assert "Toegang gegeven" in bert.get(address("channel-consent", channel)).content.decode()
    assert holder.get(path).status_code == 404


def test_holder_mends_a_stopped_channel(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider, checks: list[Any]
) -> None:
    channel, holder = linked(cast.bakery, state="inactive", inactive_reason="failures"), Client()
    path = make_link(signed_in(cast.bert), channel)
    holder.get(f"{path}/go", headers=OUR_OWN)
    follow(holder, call_back(holder, said_provider))
    assert fresh(channel).state == "active"


def test_refusal_leaves_the_link_as_it_was(cast: Cast, signed_in: SignedIn, said_provider: SaidProvider) -> None:
    path, holder = make_link(signed_in(cast.bert), gmail(cast.bakery, name="interne naam")), Client()
    holder.get(f"{path}/go", headers=OUR_OWN)
    said_provider.fails = channel_error("consent_refused", provider="Google")
    answer = call_back(holder, said_provider)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert [word for word in ("interne naam", "/administration/") if word in page] == []
    assert holder.get(path).status_code == 200


@pytest.mark.parametrize("late", [False, True])
def test_holder_whose_answer_is_not_taken_in_is_sent_back_to_the_link(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider, late: bool
) -> None:
    """There is no channel that they could open."""
    path, holder = make_link(signed_in(cast.bert), gmail(cast.bakery)), Client()
    holder.get(f"{path}/go", headers=OUR_OWN)
    with every_administration():
        PendingAuthorisation.objects.update(**{"expires_at": timezone.now()} if late else {"used_at": timezone.now()})
    page = call_back(holder, said_provider).content.decode()
    assert "Open de link die je kreeg om het opnieuw te proberen." in page
    assert [word for word in ("Open het kanaal", "Koppel opnieuw", "Koppel nog eens") if word in page] == []


def test_program_that_follows_links_sets_nothing_out(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider
) -> None:
    path = make_link(signed_in(cast.bert), gmail(cast.bakery))
    assert Client().get(f"{path}/go").headers["Location"] == path
    assert said_provider.states == []


def test_link_of_somebody_who_lost_the_right_is_withdrawn_for_good_and_the_list_says_why(
    cast: Cast, signed_in: SignedIn
) -> None:
    channel, holder = gmail(cast.bakery), Client()
    path = make_link(signed_in(cast.bert), channel)
    people.set_role(administration=cast.bakery, user=cast.bert, role=Role.USER)
    page = signed_in(cast.anna).get(address("channel-consent", channel)).content.decode()
    assert "Ingetrokken: Bert de Vries beheert dit kanaal niet meer." in page
    people.set_role(administration=cast.bakery, user=cast.bert, role=Role.ADMIN)
    assert holder.get(path).status_code == 404


@pytest.mark.parametrize("by_consent", [True, False])
def test_right_that_is_lost_while_the_provider_answers_links_nothing(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider, by_consent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code is exchanged after the first look: what came of it is given back to the provider."""
    bert, channel = signed_in(cast.bert), gmail(cast.bakery)
    browser = Client() if by_consent else bert
    if by_consent:
        browser.get(f"{make_link(bert, channel)}/go", headers=OUR_OWN)
    else:
        ask_provider(browser, channel)
    exchange, revoked = said_provider.exchange, []

    def slow_exchange(*asked: Any) -> Any:
        people.set_role(administration=cast.bakery, user=cast.bert, role=Role.USER)
        return exchange(*asked)

    monkeypatch.setattr(said_provider, "exchange", slow_exchange)
    monkeypatch.setattr(tokens, "revoke", lambda which, read: revoked.append(read().access_token))
    answer = call_back(browser, said_provider)
    assert answer.context["said"].title == title("consent_closed" if by_consent else "not_allowed")
    assert set(secrets_of(channel)) == {"client_secret"}
    assert revoked == [TOKENS.access_token]


@pytest.mark.parametrize(
    "ended",
    ["expired", "used", "withdrawn", "deleted", "maker left", "maker locked out", "password", "changed", "foreign"],
)
def test_link_that_is_over_tells_nothing(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider, ended: str
) -> None:
    bert, channel, holder = signed_in(cast.bert), gmail(cast.bakery), Client()
    path = make_link(bert, channel)
    holder.get(f"{path}/go", headers=OUR_OWN)
    now = timezone.now()
    with every_administration():
        if ended == "withdrawn":
            bert.post(address("channel-consent-withdraw", channel, only_link().pk))
        elif ended == "maker left":
            AdministrationAccess.objects.filter(user=cast.bert).delete()
        elif ended == "maker locked out":
            User.objects.filter(pk=cast.bert.pk).update(is_active=False)
        elif ended == "changed":
            services.update_channel(fresh(channel), password="", by=None, username="eva@gmail.com")
        elif ended in ("expired", "used"):
            ConsentLink.objects.update(**{"expires_at": now} if ended == "expired" else {"used_at": now})
        elif ended == "foreign":
            path = f"{path}x"
        else:
            Channel.objects.update(**{"deleted_at": now} if ended == "deleted" else {"auth": "password"})
    for where in (path, f"{path}/go"):
        answer = holder.get(where, headers=OUR_OWN)
        assert answer.status_code == 404
        assert [
            word for word in ("Kantoor Jansen", "jan@gmail.com", "eva@gmail.com") if word in answer.content.decode()
        ] == []
    if ended in ("expired", "used", "withdrawn", "maker left", "maker locked out", "changed"):
        back = holder.get(GOOGLE, {"state": said_provider.states[-1], "code": "x"})
        assert (back.status_code, back.context["said"].title) == (410, title("consent_closed"))
        assert said_provider.exchanged == []


def test_looking_at_a_link_that_works_has_no_bound(cast: Cast, signed_in: SignedIn) -> None:
    path, holder = make_link(signed_in(cast.bert), gmail(cast.bakery)), Client()
    assert [holder.get(path).status_code for _ in range(31)] == [200] * 31
