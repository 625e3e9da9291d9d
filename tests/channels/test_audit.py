"""The audit trail of channels: who made, changed, linked and stopped what, before and after, without a secret."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command

from administrations.audit_entry import AuditEntry
from channels import authorisation, services, wanted
from channels.errors import CredentialProblem
from channels.fetching import health
from channels.models import Channel
from tests.cast import Cast
from tests.channels.rows import make_channel, make_mail, make_part, make_run
from tests.trail import entries, told
from zenvoices.lib.scoping import administration_scope, every_administration

SETTINGS = {
    "name": "Facturen", "protocol": "imap", "auth": "password", "host": "imap.devries.test", "port": 993,
    "security": "tls", "username": "facturen@devries.test", "folder": "INBOX",
}  # fmt: skip


def made(cast: Cast) -> Channel:
    return services.create_channel(cast.bakery, password="s3cret-one", activate=True, by=cast.bert, **SETTINGS)


def by_bert(*codes: str, name: str = "Facturen") -> list[tuple[str, str, str]]:
    return [("Bert de Vries", code, name) for code in codes]


def test_life_of_a_channel(cast: Cast) -> None:
    with administration_scope(cast.bakery.pk):
        channel = made(cast)
        services.update_channel(channel, password="s3cret-two", by=cast.bert, host="mail.devries.test")
        services.pause(channel, by=cast.bert)
        services.activate(channel, by=cast.bert)
        services.delete(channel, by=cast.bert)
        assert services.undo_delete(channel, by=cast.bert)
    codes = ("made", "activated", "changed", "secret_replaced", "paused", "activated", "deleted", "restored")
    assert told(cast.bakery) == by_bert(*(f"channel.{code}" for code in codes))
    changed, replaced = entries(cast.bakery)[2:4]
    assert (changed.before, changed.after) == ({"host": "imap.devries.test"}, {"host": "mail.devries.test"})
    assert replaced.after == {"secrets": ["password"]}
    with every_administration():
        assert "s3cret" not in str(list(AuditEntry.objects.values()))


def test_nothing_changed_says_nothing(cast: Cast) -> None:
    with administration_scope(cast.bakery.pk):
        channel = made(cast)
        services.update_channel(channel, password=None, by=cast.bert, host="imap.devries.test")
    assert told(cast.bakery) == by_bert("channel.made", "channel.activated")


def test_too_late_an_undo_says_nothing(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = make_channel(cast.bakery)
    with administration_scope(cast.bakery.pk):
        assert not services.undo_delete(channel, by=cast.bert)
    assert told(cast.bakery) == []


def test_fifth_failure_is_the_portals_own(cast: Cast) -> None:
    channel = make_channel(cast.bakery, name="Facturen", failures=4)
    with administration_scope(cast.bakery.pk):
        run = make_run(channel)
        health.record_failure(channel, run, CredentialProblem("password_refused"), partial=False)
    assert channel.state == Channel.State.INACTIVE
    assert told(cast.bakery) == [("system", "channel.deactivated", "Facturen")]


def test_link_and_consent(cast: Cast) -> None:
    channel = make_channel(cast.bakery, name="Facturen", auth="google", client_id="id", state="draft", password="")
    with administration_scope(cast.bakery.pk):
        link, _token = authorisation.invite(channel, cast.bert)
        authorisation.withdraw(link)
        authorisation.disconnect(channel, cast.bert)
    assert told(cast.bakery) == [
        ("Bert de Vries", "channel.consent_asked", "Facturen"),
        ("system", "channel.consent_withdrawn", "Facturen"),  # in a request: the person of the request
        ("Bert de Vries", "channel.disconnected", "Facturen"),
    ]


def test_mails_and_parts_that_people_ask_for(cast: Cast) -> None:
    channel = make_channel(cast.bakery, name="Facturen")
    run = make_run(channel, read_elsewhere=2, read_elsewhere_uids=[["1", "8"], ["1", "9"]])
    mail = make_mail(run, b"Subject: broken", state="quarantined", standing=True)
    raw = b'Content-Type: application/pdf; name="bon.pdf"\r\n\r\n%PDF-1.4 bon'
    part = make_part(make_mail(run, raw, subject="Bon", uid="2"), path="1", filename="bon.pdf")
    with administration_scope(cast.bakery.pk):
        wanted.retry_mail(mail, by=cast.bert)
        wanted.retry_not_taken_in(channel, by=cast.bert)
        wanted.leave_out(mail, by=cast.bert)
        wanted.take_read_elsewhere(run, by=cast.bert)
        wanted.take_part(part, by=cast.bert)
    asked = "channel.mails_asked_for"
    assert told(cast.bakery) == [
        *by_bert(asked, asked, "channel.mails_left_out", asked),
        *by_bert("document.taken", name="bon.pdf"),
    ]
    assert [one.after.get("mails") for one in entries(cast.bakery)] == [1, 1, 1, 2, None]


def test_channel_made_by_a_command(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "s3cret")
    given: dict[str, Any] = {name: SETTINGS[name] for name in ("name", "protocol", "host", "port", "security")}
    given |= {"administration": cast.bakery.pk, "username": "u", "password_env": "MAIL_PASSWORD", "no_check": True}
    call_command("create_channel", **given)
    assert [(one.actor, one.actor_name, one.code) for one in entries(cast.bakery)] == [
        ("operator", "create_channel", "channel.made"),
        ("operator", "create_channel", "channel.activated"),
    ]
