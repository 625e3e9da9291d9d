"""A channel that is changed by two at once: what was given for one mailbox never ends up at another."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from administrations.models import Administration
from channels import authorisation, check, notices, reminders, services
from channels.check import Step
from channels.errors import channel_error
from channels.fetching import upkeep
from channels.links import vault
from channels.models import Channel
from channels.words.notices import Kind
from notifications.models import Notification
from tests.cast import Cast
from tests.channels.followed import follow, post
from tests.channels.provider import TOKENS, SaidProvider
from tests.channels.rows import make_channel
from tests.channels.test_forms import AT_ENTRA, AT_GOOGLE
from tests.channels.test_oauth_views import (
    GOOD,
    SignedIn,
    address,
    ask_provider,
    call_back,
    checks,
    fresh,
    linked,
    said_provider,
    secrets_of,
)
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.thorough

__all__ = ["checks", "said_provider"]  # fixtures


def test_form_that_was_read_earlier_takes_no_link_of_another_mailbox(cast: Cast) -> None:
    channel = linked(cast.bakery)
    read_earlier = fresh(channel)
    with administration_scope(cast.bakery.pk):
        services.update_channel(channel, password="", by=None, username="eva@gmail.com")
        vault.store(channel, "tokens", TOKENS.dumps())
        services.update_channel(read_earlier, password="", by=None, username="jan@gmail.com", name="Nieuw")
    now = fresh(channel)
    assert (now.username, now.name, now.state, now.linked_at) == ("jan@gmail.com", "Nieuw", "draft", None)
    assert set(secrets_of(channel)) == {"client_secret"}


def test_form_that_was_read_earlier_sends_no_password_to_another_server(cast: Cast) -> None:
    channel = linked(cast.bakery, auth="password", linked_at=None, granted="", host="a.test", port=993)
    read_earlier = fresh(channel)
    with administration_scope(cast.bakery.pk):
        services.update_channel(channel, password="geheim van b", by=None, host="b.test")
        services.update_channel(read_earlier, password="", by=None, host="a.test")
    assert "password" not in secrets_of(channel)


def test_link_that_ended_meanwhile_is_not_set_to_work(cast: Cast, said_provider: SaidProvider) -> None:
    channel = linked(cast.bakery, state="inactive", inactive_reason="failures")
    with administration_scope(cast.bakery.pk):
        authorisation.disconnect(fresh(channel), None)
        with pytest.raises(services.NotLinked):
            services.activate(channel, None)
    assert fresh(channel).state == "draft"


@pytest.mark.parametrize("way", ["callback", "form", "list"])
def test_disconnected_during_the_connection_check_stays_a_draft(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    channel, bert = linked(cast.bakery, state="inactive", inactive_reason="failures"), signed_in(cast.bert)

    def disconnected_meanwhile(target: object) -> list[Step]:
        authorisation.disconnect(fresh(channel), None)
        return GOOD

    monkeypatch.setattr(check, "run_check", disconnected_meanwhile)
    if way == "callback":
        ask_provider(bert, channel)
        answer = follow(bert, call_back(bert, said_provider))
    elif way == "form":
        typed = AT_GOOGLE | {"client_id": "id", "client_secret": "", "username": "jan@gmail.com", "action": "save"}
        answer = post(bert, address("channel-edit", channel), typed)
    else:
        answer = post(bert, address("channel-activate", channel))
    assert answer.status_code == 302
    assert (fresh(channel).state, fresh(channel).next_fetch_at) == ("draft", None)


@pytest.mark.parametrize(
    ("step", "code", "kept"),
    [
        ("provider", "client_secret_wrong", "secret-canary"),
        ("provider", "provider_unavailable", "secret-canary"),
        ("provider", "link_revoked", "nieuw"),
        ("sign_in", "token_refused", "nieuw"),
    ],
)
def test_new_client_secret_that_the_provider_took_is_kept(
    cast: Cast, signed_in: SignedIn, checks: list[Step], step: str, code: str, kept: str
) -> None:
    """Whoever must connect again needs the secret that works for it."""
    done = [Step("provider", ok=True)] if step == "sign_in" else []
    checks[:] = [*done, Step(step, ok=False, error=channel_error(code, provider="Google"))]
    channel = linked(cast.bakery)
    typed = AT_GOOGLE | {"client_id": "id", "client_secret": "nieuw", "action": "save"}
    post(signed_in(cast.bert), address("channel-edit", channel), typed)
    assert secrets_of(channel)["client_secret"] == kept


def test_paused_channel_that_is_linked_anew_needs_nobody_any_more(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider
) -> None:
    channel, bert = linked(cast.bakery, state="inactive", error_code="link_revoked"), signed_in(cast.bert)
    with administration_scope(cast.bakery.pk):
        notices.tell(fresh(channel), Kind.ATTENTION, "attention:idle:1")
    ask_provider(bert, channel)
    call_back(bert, said_provider)
    with every_administration():
        assert not Notification.objects.filter(kind=Kind.ATTENTION, closed_at=None).exists()


def test_deletion_that_is_being_carried_out_can_no_longer_be_undone(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its link is ended at the provider first: brought back then, it would be active without one."""
    channel, bert, undone = linked(cast.bakery), signed_in(cast.bert), []
    with administration_scope(cast.bakery.pk):
        services.delete(channel, None)
        channel.deleted_at = timezone.now() - upkeep.PURGE_AFTER - timedelta(seconds=1)
        channel.save(update_fields=["deleted_at"])
        undo = address("channel-undo-delete", channel)
        monkeypatch.setattr(said_provider, "revoke", lambda *_: undone.append(bert.post(undo).status_code))
        assert (upkeep.purge_deleted(), undone) == (1, [302])
    with administration_scope(cast.bakery.pk):
        assert not Channel.objects.filter(pk=channel.pk).exists()


def app_only(administration: Administration) -> Channel:
    return linked(
        administration, auth="entra", app_only=True, linked_at=None, granted="", host="outlook.office365.com",
        port=993, **{name: AT_ENTRA[name] for name in ("username", "tenant_id", "client_id")},
    )  # fmt: skip


@pytest.mark.parametrize("change", ["username", "sign-in", "app"])
def test_checking_a_change_leaves_a_channel_that_works_alone(
    cast: Cast, signed_in: SignedIn, checks: list[Step], change: str
) -> None:
    if change == "username":
        channel = linked(cast.bakery)
        typed = AT_GOOGLE | {"client_id": "id", "client_secret": "", "username": "eva@gmail.com"}
    elif change == "sign-in":
        channel, typed = make_channel(cast.bakery), AT_GOOGLE
    else:
        channel = app_only(cast.bakery)
        typed = AT_ENTRA | {"app_only": "on", "client_secret": "", "username": "eva@acme.test"}
    before, kept = fresh(channel), secrets_of(channel)
    answer = signed_in(cast.bert).post(address("channel-edit", channel), typed | {"action": "check"})
    assert (answer.status_code, secrets_of(channel)) == (422, kept)
    assert "Kies Opslaan om deze wijziging te controleren" in answer.content.decode()
    now = fresh(channel)
    assert (now.state, now.username, now.auth, now.folder) == ("active", before.username, before.auth, before.folder)


@pytest.mark.parametrize("change", [{"folder": "Onbekend"}, {"client_secret": "a~onjuist"}])
def test_app_goes_on_with_what_worked_when_a_change_does_not(
    cast: Cast, signed_in: SignedIn, checks: list[Step], change: dict[str, str]
) -> None:
    channel = app_only(cast.bakery)
    kept = secrets_of(channel)
    checks[:] = [Step("provider", ok=False, error=channel_error("client_secret_wrong", provider="Microsoft"))]
    typed = AT_ENTRA | {"app_only": "on", "client_secret": "", "action": "save"} | change
    answer = post(signed_in(cast.bert), address("channel-edit", channel), typed)
    assert (answer.status_code, secrets_of(channel)) == (200, kept)
    assert (fresh(channel).state, fresh(channel).folder) == ("active", "INBOX")


def open_notifications() -> int:
    with every_administration():
        return Notification.objects.filter(closed_at=None).count()


def test_reminder_ends_when_the_secret_is_replaced(cast: Cast) -> None:
    channel, today = app_only(cast.bakery), timezone.localdate()
    with administration_scope(cast.bakery.pk):
        reminders.tell_secret_expires(channel, today + timedelta(days=7), 7, 7)
        told = open_notifications()
        services.update_channel(
            channel, password="", by=None, client_secret="nieuw", secret_expires_on=today + timedelta(days=700)
        )
    assert (told > 0, open_notifications()) == (True, 0)


def test_warning_that_a_link_ends_is_over_when_it_is_made_anew(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider
) -> None:
    channel, bert = linked(cast.bakery, state="inactive"), signed_in(cast.bert)
    with administration_scope(cast.bakery.pk):
        reminders.tell_link_ends(channel, timezone.now() + timedelta(days=1))
    ask_provider(bert, channel)
    call_back(bert, said_provider)
    assert open_notifications() == 0
