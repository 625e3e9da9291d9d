"""To the provider and back: every way in which that can go, and what the page then says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations.models import Administration, AdministrationAccess, User
from channels import check, notices, reminders, services
from channels.check import Step
from channels.errors import channel_error
from channels.links import providers, vault
from channels.models import Channel, PendingAuthorisation
from channels.words import callbacks
from channels.words.notices import Kind
from notifications.models import Notification
from tests.cast import Cast
from tests.channels.followed import follow, post
from tests.channels.provider import ADDRESS, TOKENS, SaidProvider
from tests.channels.rows import make_channel
from tests.channels.test_forms import AT_ENTRA, AT_GOOGLE
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = [pytest.mark.thorough, pytest.mark.once]

SignedIn = Callable[[User], Client]
GOOGLE = "/ChannelConnector/ProcessGmailIMAPAuthorizationResult"
ENTRA = "/ChannelConnector/ProcessEntraIMAPAuthorizationResult"
OUR_OWN = {"Sec-Fetch-Site": "same-origin"}
GOOD = [Step("folder", ok=True, facts={"unread": 3, "folder": "INBOX"})]
BAD = [Step("sign_in", ok=False, error=channel_error("connect_timeout"))]


@pytest.fixture
def said_provider(monkeypatch: pytest.MonkeyPatch) -> SaidProvider:
    provider = SaidProvider()
    monkeypatch.setattr(providers, "method_of", lambda channel: provider)
    return provider


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """What the connection check finds; a test may put other steps in it."""
    steps = list(GOOD)
    monkeypatch.setattr(check, "run_check", lambda target: list(steps))
    return steps


def gmail(administration: Administration, **fields: Any) -> Channel:
    known = {
        "name": "jan@gmail.com", "auth": "google", "username": "jan@gmail.com", "client_id": "id", "state": "draft",
        "next_fetch_at": None, "password": "", "host": "imap.gmail.com",
    }  # fmt: skip
    channel = make_channel(administration, **known | fields)
    with administration_scope(administration.pk):
        vault.store(channel, "client_secret", "secret-canary")
    return channel


def linked(administration: Administration, **fields: Any) -> Channel:
    channel = gmail(administration, **{"linked_at": timezone.now(), "granted": "mail", "state": "active"} | fields)
    with administration_scope(administration.pk):
        vault.store(channel, "tokens", TOKENS.dumps())
    return channel


def address(name: str, channel: Channel, *more: Any) -> str:
    return reverse(name, args=[channel.administration_id, channel.pk, *more])


def ask_provider(client: Client, channel: Channel) -> HttpResponse:
    return client.get(address("channel-connect", channel), headers=OUR_OWN)


def call_back(client: Client, provider: SaidProvider, path: str = GOOGLE, **answer: str) -> Any:
    return client.get(path, {"state": provider.states[-1], "code": "code-canary", **answer})


def fresh(channel: Channel) -> Channel:
    with every_administration():
        return Channel.objects.get(pk=channel.pk)


def secrets_of(channel: Channel) -> dict[str, str]:
    with every_administration():
        return vault.read_all(channel)


def said(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def only_pending() -> PendingAuthorisation:
    with every_administration():
        return PendingAuthorisation.objects.get()


# --- Setting out ----------------------------------------------------------------------------------------


def test_connect_goes_to_the_provider_with_the_account_chosen(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider, settings: Any
) -> None:
    answer = ask_provider(signed_in(cast.bert), gmail(cast.bakery))
    url = urlsplit(answer.headers["Location"])
    assert answer.headers["Location"].startswith(ADDRESS)
    assert parse_qs(url.query)["login_hint"] == ["jan@gmail.com"]
    assert parse_qs(url.query)["redirect_uri"] == [settings.BASE_URL + GOOGLE]
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("site", ["cross-site", "none", "same-site", ""])
def test_link_from_elsewhere_asks_first(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider, site: str
) -> None:
    channel = gmail(cast.bakery)
    headers = {"Sec-Fetch-Site": site} if site else {}
    answer = signed_in(cast.bert).get(address("channel-connect", channel), headers=headers)
    assert (answer.status_code, said_provider.states) == (200, [])
    assert "Je gaat naar Google om je aan te melden als jan@gmail.com." in answer.content.decode()


def test_browser_that_does_not_say_where_it_comes_from_is_known_by_its_referer(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider
) -> None:
    channel, bert = gmail(cast.bakery), signed_in(cast.bert)
    for page, goes in (("http://testserver/x", True), ("http://testserver.evil.test/", False), ("oops", False)):
        answer = bert.get(address("channel-connect", channel), headers={"Referer": page})
        assert answer.headers.get("Location", "").startswith(ADDRESS) is goes


def test_nothing_of_a_pending_authorisation_lies_in_clear(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider
) -> None:
    ask_provider(signed_in(cast.bert), gmail(cast.bakery))
    row = repr(vars(only_pending()))
    assert [word for word in (*said_provider.states, "verifier-canary", "secret-canary") if word in row] == []
    assert only_pending().expires_at - only_pending().created_at < timedelta(minutes=10, seconds=1)


def test_provider_that_cannot_be_asked_is_said(cast: Cast, signed_in: SignedIn, said_provider: SaidProvider) -> None:
    said_provider.authorise_fails = channel_error("tenant_unknown", provider="Microsoft")
    answer = ask_provider(signed_in(cast.bert), gmail(cast.bakery))
    assert answer.status_code == 422
    assert "Het postvak is niet gekoppeld" in answer.content.decode()


@pytest.mark.parametrize("fields", [{"auth": "password"}, {"auth": "entra", "app_only": True}])
def test_nobody_signs_in_for_a_channel_that_needs_none(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider, fields: dict[str, Any]
) -> None:
    channel = gmail(cast.bakery, **fields)
    assert ask_provider(signed_in(cast.bert), channel).headers["Location"] == address("channel-edit", channel)


# --- The callback ---------------------------------------------------------------------------------------


def test_coming_back_links_the_draft_and_says_so_on_its_form(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider
) -> None:
    channel, bert = gmail(cast.bakery), signed_in(cast.bert)
    ask_provider(bert, channel)
    answer = call_back(bert, said_provider)
    assert answer.headers["Location"] == f"{address('channel-edit', channel)}?linked"
    assert said(answer) == ["Gekoppeld met jan@gmail.com. Rond af met Opslaan."]
    assert "no-store" in answer.headers["Cache-Control"]
    now = fresh(channel)
    assert (now.state, now.granted, now.next_fetch_at) == ("draft", "mail", None)
    assert now.linked_at is not None
    assert secrets_of(channel) == {"client_secret": "secret-canary", "tokens": TOKENS.dumps()}
    page = bert.get(address("channel-edit", channel) + "?linked").content.decode()
    assert "Gekoppeld met jan@gmail.com" in page
    assert [word for word in ("access-canary", "refresh-canary", "secret-canary") if word in page] == []


def test_end_of_a_link_is_kept(cast: Cast, signed_in: SignedIn, said_provider: SaidProvider) -> None:
    channel, bert = gmail(cast.bakery), signed_in(cast.bert)
    said_provider.link_seconds, said_provider.granted = 604_799, "gmail_readonly"
    ask_provider(bert, channel)
    call_back(bert, said_provider)
    now = fresh(channel)
    assert now.granted == "gmail_readonly"
    assert now.link_ends_at is not None
    assert now.linked_at is not None
    assert now.link_ends_at - now.linked_at == timedelta(seconds=604_799)


def open_notes(channel: Channel) -> int:
    with every_administration():
        return Notification.objects.filter(subject_id=channel.pk, closed_at=None).count()


def test_new_link_or_secret_ends_the_reminder_of_the_old(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider, checks: list[Step]
) -> None:
    channel, bert, end = linked(cast.bakery), signed_in(cast.bert), timezone.now() + timedelta(days=1)
    with administration_scope(cast.bakery.pk):
        reminders.tell_link_ends(channel, end)
        reminders.tell_secret_expires(channel, end.date(), 1, 1)
    assert open_notes(channel) == 4 + 2
    ask_provider(bert, channel)
    call_back(bert, said_provider)
    assert open_notes(channel) == 2
    typed = AT_GOOGLE | {"client_id": "id", "client_secret": "nieuw", "action": "save"}
    post(bert, address("channel-edit", channel), typed)
    assert open_notes(channel) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "inactive", "inactive_reason": "failures", "failures": 5, "error_code": "link_revoked"},
        {"state": "active", "failures": 2, "error_code": "link_revoked", "next_fetch_at": timezone.now()},
    ],
)
def test_reconnected_channel_goes_on_when_its_connection_works(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider, checks: list[Step], fields: dict[str, Any]
) -> None:
    channel, bert = linked(cast.bakery, **fields), signed_in(cast.bert)
    ask_provider(bert, channel)
    answer = follow(bert, call_back(bert, said_provider))
    assert answer.headers["Location"] == reverse("channels", args=[cast.bakery.pk])
    assert said(answer) == ["Gekoppeld met jan@gmail.com. jan@gmail.com is weer actief."]
    now = fresh(channel)
    assert (now.state, now.failures, now.error_code, now.next_fetch_at is None) == ("active", 0, "", False)


def test_reconnected_channel_whose_connection_fails_stays_inactive(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider, checks: list[Step]
) -> None:
    checks[:] = BAD
    channel, bert = linked(cast.bakery, state="inactive", inactive_reason="failures"), signed_in(cast.bert)
    ask_provider(bert, channel)
    answer = follow(bert, call_back(bert, said_provider))
    assert fresh(channel).state == "inactive"
    assert said(answer)[0].startswith("Gekoppeld met jan@gmail.com, maar de verbinding werkt nog niet. imap.gmail.com")


def test_paused_channel_stays_paused(cast: Cast, signed_in: SignedIn, said_provider: SaidProvider) -> None:
    channel, bert = linked(cast.bakery, state="inactive"), signed_in(cast.bert)
    ask_provider(bert, channel)
    call_back(bert, said_provider)
    assert fresh(channel).state == "inactive"


def refused_with(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.context["said"].title


def title(reason: str) -> str:
    return callbacks.refusal(reason).title


def test_answer_counts_once(cast: Cast, signed_in: SignedIn, said_provider: SaidProvider) -> None:
    channel, bert = gmail(cast.bakery), signed_in(cast.bert)
    ask_provider(bert, channel)
    call_back(bert, said_provider)
    again = call_back(bert, said_provider)
    assert refused_with(again) == (410, title("used"))
    assert len(said_provider.exchanged) == 1
    assert address("channel-connect", channel) in again.content.decode()


def test_state_of_a_refused_answer_is_used_up_too(cast: Cast, signed_in: SignedIn, said_provider: SaidProvider) -> None:
    channel, bert = gmail(cast.bakery), signed_in(cast.bert)
    ask_provider(bert, channel)
    said_provider.fails = channel_error("consent_refused", provider="Google")
    call_back(bert, said_provider)
    said_provider.fails = None
    assert refused_with(call_back(bert, said_provider)) == (410, title("used"))
    assert fresh(channel).linked_at is None


def test_two_tabs_each_have_their_own_answer(cast: Cast, signed_in: SignedIn, said_provider: SaidProvider) -> None:
    channel, bert = gmail(cast.bakery), signed_in(cast.bert)
    ask_provider(bert, channel)
    ask_provider(bert, channel)
    assert [bert.get(GOOGLE, {"state": state, "code": "c"}).status_code for state in said_provider.states] == [302, 302]


def test_answer_after_ten_minutes_is_too_late(cast: Cast, signed_in: SignedIn, said_provider: SaidProvider) -> None:
    bert = signed_in(cast.bert)
    ask_provider(bert, gmail(cast.bakery))
    with every_administration():
        PendingAuthorisation.objects.update(expires_at=timezone.now())
    assert refused_with(call_back(bert, said_provider)) == (410, title("expired"))
    assert said_provider.exchanged == []


@pytest.mark.parametrize("query", [{}, {"state": ""}, {"state": "never-was", "code": "x"}])
def test_unknown_state_tells_nothing(cast: Cast, signed_in: SignedIn, query: dict[str, str]) -> None:
    for client in (signed_in(cast.bert), Client()):
        assert refused_with(client.get(GOOGLE, query)) == (404, title("unknown"))


def test_answer_of_another_provider_is_unknown(cast: Cast, signed_in: SignedIn, said_provider: SaidProvider) -> None:
    bert = signed_in(cast.bert)
    ask_provider(bert, gmail(cast.bakery))
    assert refused_with(call_back(bert, said_provider, ENTRA)) == (404, title("unknown"))
    assert only_pending().used_at is None


def test_another_person_uses_nothing_up(cast: Cast, signed_in: SignedIn, said_provider: SaidProvider) -> None:
    ask_provider(signed_in(cast.bert), gmail(cast.bakery, name="geheim kanaal"))
    answer = call_back(signed_in(cast.charlie), said_provider)
    assert refused_with(answer) == (403, title("other_person"))
    assert "geheim kanaal" not in answer.content.decode()
    assert only_pending().used_at is None


def test_another_browser_of_the_same_person_is_refused(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider
) -> None:
    ask_provider(signed_in(cast.bert), gmail(cast.bakery))
    assert refused_with(call_back(signed_in(cast.bert), said_provider)) == (403, title("other_browser"))
    assert only_pending().used_at is None


def test_signed_out_meanwhile(cast: Cast, signed_in: SignedIn, said_provider: SaidProvider) -> None:
    bert = signed_in(cast.bert)
    ask_provider(bert, gmail(cast.bakery, name="geheim kanaal"))
    bert.logout()
    answer = call_back(bert, said_provider)
    assert refused_with(answer) == (403, title("signed_out"))
    assert "geheim kanaal" not in answer.content.decode()


def test_deleted_meanwhile(cast: Cast, signed_in: SignedIn, said_provider: SaidProvider) -> None:
    channel, bert = gmail(cast.bakery), signed_in(cast.bert)
    ask_provider(bert, channel)
    with every_administration():
        services.delete(channel, None)
    assert refused_with(call_back(bert, said_provider)) == (410, title("gone"))
    assert said_provider.exchanged == []


def test_no_longer_allowed(cast: Cast, signed_in: SignedIn, said_provider: SaidProvider) -> None:
    channel, bert = gmail(cast.bakery), signed_in(cast.bert)
    ask_provider(bert, channel)
    AdministrationAccess.objects.filter(user=cast.bert).update(role="user")
    assert refused_with(call_back(bert, said_provider)) == (403, title("not_allowed"))
    assert (said_provider.exchanged, fresh(channel).linked_at) == ([], None)


def test_changed_meanwhile(cast: Cast, signed_in: SignedIn, said_provider: SaidProvider) -> None:
    channel, bert = gmail(cast.bakery), signed_in(cast.bert)
    ask_provider(bert, channel)
    with every_administration():
        Channel.objects.update(username="eva@gmail.com")
    assert refused_with(call_back(bert, said_provider)) == (409, title("changed"))
    assert said_provider.exchanged == []


def test_changed_while_the_code_is_exchanged_gives_the_tokens_back(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider
) -> None:
    channel, bert = gmail(cast.bakery), signed_in(cast.bert)
    ask_provider(bert, channel)
    said_provider.meanwhile.append(lambda: Channel.objects.update(username="eva@gmail.com"))
    assert refused_with(call_back(bert, said_provider)) == (409, title("changed"))
    assert (said_provider.revoked, fresh(channel).linked_at) == ([TOKENS.refresh_token], None)


@pytest.mark.parametrize(
    ("code", "detail", "language"),
    [
        ("consent_refused", {}, "nl"),
        ("consent_needed", {}, "en"),
        ("sign_in_used", {}, "nl"),
        ("personal_account", {}, "en"),
        ("client_secret_expired", {}, "nl"),
        ("provider_unavailable", {}, "en"),
        ("wrong_account", {"account": "piet@gmail.com", "expected": "jan@gmail.com"}, "nl"),
    ],
)
def test_what_the_provider_says_has_a_page_of_ours(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider, code: str, detail: dict[str, str], language: str
) -> None:
    User.objects.filter(pk=cast.bert.pk).update(language=language)
    channel, bert = gmail(cast.bakery), signed_in(cast.bert)
    ask_provider(bert, channel)
    said_provider.fails = channel_error(code, provider="Google", **detail)
    answer = call_back(bert, said_provider, error="access_denied", error_description="<b>provider-canary</b>")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "provider-canary" not in page
    assert "code-canary" not in page
    assert answer.context["said"].next_step.rstrip(".") in page.replace("&#x27;", "'")
    assert address("channel-connect", channel) in page
    assert all(name in page for name in detail.values())
    assert fresh(channel).state == "draft"


def test_missing_key_is_our_page_too(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider, settings: Any
) -> None:
    bert = signed_in(cast.bert)
    ask_provider(bert, gmail(cast.bakery))
    settings.CREDENTIAL_KEYS = ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]
    assert call_back(bert, said_provider).status_code == 422


@pytest.mark.parametrize(("query", "status"), [("True", 200), ("False", 403)])
def test_administrator_who_approved_reads_what_comes_next(db: None, query: str, status: int) -> None:
    answer = Client().get(ENTRA, {"admin_consent": query, "tenant": "x"})
    assert answer.status_code == status


def test_every_refusal_has_its_words(db: None) -> None:
    for reason in callbacks.known_refusals():
        said_so = callbacks.refusal(reason)
        assert all(len(text.split()) <= 15 for text in (said_so.title, said_so.text, said_so.next_step))


# --- Disconnecting ----------------------------------------------------------------------------------------


def test_disconnect_revokes_erases_and_leaves_a_draft(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider
) -> None:
    channel = linked(cast.bakery, next_fetch_at=timezone.now(), error_code="link_revoked", failures=3)
    post(signed_in(cast.bert), address("channel-disconnect", channel))
    now = fresh(channel)
    assert (now.state, now.granted, now.linked_at, now.next_fetch_at) == ("draft", "", None, None)
    assert (now.failures, now.error_code, said_provider.revoked) == (0, "", [TOKENS.refresh_token])
    assert secrets_of(channel) == {"client_secret": "secret-canary"}


# --- The form ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", [AT_GOOGLE, AT_ENTRA])
@pytest.mark.parametrize("script", [True, False])
def test_save_keeps_a_draft_and_asks_before_it_goes(
    cast: Cast, signed_in: SignedIn, typed: dict[str, str], script: bool
) -> None:
    bert = signed_in(cast.bert)
    headers = {"HX-Request": "true"} if script else {}
    answer = bert.post(reverse("channel-new-email", args=[cast.bakery.pk]), typed | {"action": "save"}, headers=headers)
    with every_administration():
        channel = Channel.objects.get()
    there = f"{address('channel-edit', channel)}?ask"
    assert answer.headers["HX-Redirect" if script else "Location"] == there
    assert (channel.state, channel.next_fetch_at, channel.client_id) == ("draft", None, typed["client_id"])
    assert secrets_of(channel) == {"client_secret": typed["client_secret"]}
    page = bert.get(there).content.decode()
    assert 'id="ask"' in page
    assert all(f'value="{typed[name]}"' in page for name in ("name", "username", "client_id"))
    assert f'"{typed["client_secret"]}"' not in page


def test_linked_channel_is_saved_as_active(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider, checks: list[Step]
) -> None:
    bert = signed_in(cast.bert)
    bert.post(reverse("channel-new-email", args=[cast.bakery.pk]), AT_GOOGLE | {"action": "save"})
    with every_administration():
        channel = Channel.objects.get()
    ask_provider(bert, channel)
    call_back(bert, said_provider)
    post(bert, address("channel-edit", channel), AT_GOOGLE | {"client_secret": "", "action": "save"})
    assert fresh(channel).state == "active"


def test_channel_that_nobody_authorised_cannot_be_activated(cast: Cast, signed_in: SignedIn) -> None:
    channel = gmail(cast.bakery)
    answer = signed_in(cast.bert).post(address("channel-activate", channel))
    assert answer.headers["Location"] == f"{address('channel-edit', channel)}?ask"
    with administration_scope(cast.bakery.pk), pytest.raises(services.NotLinked):
        services.activate(channel, None)


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({"name": "Nieuw"}, {"client_secret", "tokens"}),
        ({"folder": "Facturen"}, {"client_secret", "tokens"}),
        ({"username": "eva@gmail.com"}, {"client_secret"}),
        ({"protocol": "pop3"}, {"client_secret"}),
        ({"client_id": "other"}, set()),
        ({"auth": "entra"}, set()),
    ],
)
def test_change_clears_what_it_was_given_for(cast: Cast, change: dict[str, str], kept: set[str]) -> None:
    channel = linked(cast.bakery)
    with administration_scope(cast.bakery.pk):
        services.update_channel(channel, password="", by=None, **change)
    assert set(secrets_of(channel)) == kept
    assert fresh(channel).state == ("active" if "tokens" in kept else "draft")


@pytest.mark.parametrize(("works", "kept"), [(True, "nieuw"), (False, "secret-canary")])
def test_client_secret_is_replaced_without_linking_again(
    cast: Cast, signed_in: SignedIn, checks: list[Step], works: bool, kept: str
) -> None:
    checks[:] = GOOD if works else BAD
    channel = linked(cast.bakery)
    typed = AT_GOOGLE | {"client_id": "id", "client_secret": "nieuw", "action": "save"}
    post(signed_in(cast.bert), address("channel-edit", channel), typed)
    assert secrets_of(channel) == {"client_secret": kept, "tokens": TOKENS.dumps()}
    assert fresh(channel).linked_at is not None


def test_app_of_the_portal_takes_a_few_clicks(cast: Cast, signed_in: SignedIn, settings: Any) -> None:
    settings.GOOGLE_CLIENT_ID, settings.GOOGLE_CLIENT_SECRET = "portal-id", "portal-secret-canary"
    bert = signed_in(cast.bert)
    page = bert.get(reverse("channel-new-email", args=[cast.bakery.pk])).content.decode()
    assert 'data-portal="google"' in page
    assert "portal-secret-canary" not in page
    typed = {"name": "jan", "active": "on", "protocol": "imap", "auth": "google", "username": "jan@gmail.com"}
    assert bert.post(reverse("channel-new-email", args=[cast.bakery.pk]), typed).status_code == 302


# --- Reconnecting -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "reconnects"),
    [
        ({"error_code": "link_revoked"}, True),
        ({"error_code": "client_secret_expired"}, False),
        ({"error_code": ""}, False),
        ({"error_code": "link_revoked", "auth": "entra", "app_only": True}, False),
    ],
)
def test_reconnect_stands_in_list_and_logbook_when_signing_in_mends_it(
    cast: Cast, signed_in: SignedIn, fields: dict[str, Any], reconnects: bool
) -> None:
    channel, bert = linked(cast.bakery, **fields), signed_in(cast.bert)
    link = f'href="{address("channel-connect", channel)}"'
    pages = [reverse("channels", args=[cast.bakery.pk]), address("logbook", channel)]
    assert [link in bert.get(page).content.decode() for page in pages] == [reconnects, reconnects]


def test_notification_leads_to_the_provider(cast: Cast, signed_in: SignedIn, said_provider: SaidProvider) -> None:
    channel = linked(cast.bakery, error_code="link_revoked", failing_since=timezone.now())
    with administration_scope(cast.bakery.pk):
        notices.tell(channel, Kind.ATTENTION, "now")
        note = Notification.objects.get(user=cast.bert)
    assert (note.path, note.action_nl) == (address("channel-connect", channel), "Opnieuw koppelen")
    answer = signed_in(cast.bert).get(reverse("notification-open", args=[note.pk]), follow=True, headers=OUR_OWN)
    assert answer.redirect_chain[-1][0].startswith(ADDRESS)


# --- What stands first: an administrator agrees before anybody tries ---------------------------------------


def entra(administration: Administration) -> Channel:
    return gmail(administration, auth="entra", username="jan@acme.test", client_id="2222", tenant_id="1111")


@pytest.mark.parametrize("page", ["channel-edit", "channel-connect"])
def test_administrators_link_stands_before_the_way_to_microsoft(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider, page: str
) -> None:
    channel = entra(cast.bakery)
    shown = signed_in(cast.bert).get(address(page, channel) + "?ask").content.decode()
    admin = shown.index("/1111/adminconsent?client_id=2222")
    assert admin < shown.index(f'href="{address("channel-connect", channel)}">Ja')


def test_help_names_where_microsoft_keeps_each_permission(cast: Cast, signed_in: SignedIn) -> None:
    shown = signed_in(cast.bert).get(address("channel-edit", entra(cast.bakery))).content.decode()
    places = [
        'id="help-entra_admin" open', "Microsoft Graph, Delegated permissions", "IMAP.AccessAsUser.All",
        "Office 365 Exchange Online, Delegated permissions", "00000002-0000-0ff1-ce00-000000000000",
        "Office 365 Exchange Online, Application permissions", "IMAP.AccessAsApp",
    ]  # fmt: skip
    assert sorted(places, key=shown.index) == places
