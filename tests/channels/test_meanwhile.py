"""A channel that somebody else changes or pauses while a form or a check of it is open."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test import Client
from django.urls import reverse
from django.utils import translation

from administrations.audit_entry import AuditEntry
from administrations.models import User
from channels import check, meanwhile, rulebook, services
from channels.check import Step
from channels.links import vault
from channels.models import Channel, ChannelRule
from channels.pages.changed import changes_said
from channels.rulebook import Said
from channels.rules import About
from tests.cast import Cast
from tests.channels.followed import follow, post
from tests.channels.rows import make_channel
from tests.channels.test_views import BAD, GOOD
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.thorough

SignedIn = Callable[[User], Client]
ASKED_AGAIN = "Het formulier toont hoe het nu is, met wat je zelf hebt gewijzigd."


def edit(channel: Channel) -> str:
    return reverse("channel-edit", args=[channel.administration_id, channel.pk])


def opened(client: Client, channel: Channel, **typed: str) -> dict[str, str]:
    """The form as a tab has it, with what this person types in it."""
    return shown(client.get(edit(channel))) | typed


def shown(answer: Any) -> dict[str, str]:
    form = answer.context["form"]
    left_out = () if form.shows_boxes else ("folders", "folder_list")
    values = {name: form[name].value() for name in form.fields if name not in left_out}
    ticked = {name: "on" if value is True else value for name, value in values.items() if value not in (None, False)}
    return {name: str(value) for name, value in ticked.items() if not isinstance(value, list)} | {"action": "save"}


def now(channel: Channel) -> Channel:
    with every_administration():
        return Channel.objects.select_related("administration").get(pk=channel.pk)


def password_of(channel: Channel) -> str:
    with administration_scope(channel.administration_id):
        return vault.read_all(now(channel)).get("password", "")


@pytest.fixture
def channel(cast: Cast) -> Channel:
    return make_channel(cast.bakery, host="a.test")


@pytest.fixture(autouse=True)
def works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "run_check", lambda target: GOOD)


# --- Two forms ---------------------------------------------------------------------------------------------


def test_form_that_was_open_longer_takes_nothing_back(cast: Cast, signed_in: SignedIn, channel: Channel) -> None:
    bert, anna = signed_in(cast.bert), signed_in(cast.anna)
    earlier = opened(bert, channel, name="Nieuwe naam")
    post(anna, edit(channel), opened(anna, channel, host="b.test", password="ander"))
    answer = post(bert, edit(channel), earlier)
    page = answer.content.decode()
    assert (answer.status_code, now(channel).name, now(channel).host) == (422, channel.name, "b.test")
    assert password_of(channel) == "ander"
    assert "Anna Jansen heeft dit kanaal intussen gewijzigd: hostnaam, wachtwoord." in page
    assert ASKED_AGAIN in page
    post(bert, edit(channel), shown(answer))
    assert (now(channel).name, now(channel).host, password_of(channel)) == ("Nieuwe naam", "b.test", "ander")


def test_what_both_changed_is_said_and_stays_as_this_person_has_it(
    cast: Cast, signed_in: SignedIn, channel: Channel
) -> None:
    bert, anna = signed_in(cast.bert), signed_in(cast.anna)
    earlier = opened(bert, channel, name="Van Bert", password="van bert")
    post(anna, edit(channel), opened(anna, channel, name="Van Anna"))
    answer = post(bert, edit(channel), earlier)
    page = answer.content.decode()
    assert (now(channel).name, shown(answer)["name"]) == ("Van Anna", "Van Bert")
    assert "Jij wijzigde hetzelfde; het formulier toont wat jij hebt: naam." in page
    assert "Een wachtwoord of secret dat je typte, is niet bewaard: vul het opnieuw in." in page


def test_form_of_a_channel_that_was_paused_does_not_set_it_to_work(
    cast: Cast, signed_in: SignedIn, channel: Channel
) -> None:
    bert = signed_in(cast.bert)
    earlier = opened(bert, channel, name="Nieuwe naam")
    signed_in(cast.anna).post(reverse("channel-pause", args=[cast.bakery.pk, channel.pk]))
    answer = post(bert, edit(channel), earlier)
    assert "Anna Jansen heeft dit kanaal intussen gewijzigd: gepauzeerd." in answer.content.decode()
    assert (now(channel).state, "active" in shown(answer), shown(answer)["name"]) == ("inactive", False, "Nieuwe naam")


@pytest.mark.parametrize("typed", [{"name": "Nieuw"}, {"host": "b.test", "password": "ander"}])
def test_form_that_is_sent_twice_is_saved_once_without_a_word(
    cast: Cast, signed_in: SignedIn, channel: Channel, typed: dict[str, str]
) -> None:
    bert = signed_in(cast.bert)
    form = opened(bert, channel, **typed)
    asked = [bert.post(edit(channel), form) for _ in range(2)]
    answers = [follow(bert, answer) for answer in asked]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert {str(getattr(now(channel), name)) for name in typed if name != "password"} == {*typed.values()} - {"ander"}


@pytest.mark.parametrize("seen", ["", "{", "[]", '{"name": 1}', '{"line": "x"}'])
def test_form_without_what_was_seen_is_saved_as_ever(
    cast: Cast, signed_in: SignedIn, channel: Channel, seen: str
) -> None:
    """A page of before this was kept, or a script."""
    bert = signed_in(cast.bert)
    post(bert, edit(channel), opened(bert, channel, name="Nieuw", seen=seen))
    assert now(channel).name == "Nieuw"


def test_what_was_seen_says_nothing_of_a_secret(cast: Cast, signed_in: SignedIn, channel: Channel) -> None:
    assert "geheim" not in opened(signed_in(cast.bert), channel)["seen"]


def test_own_check_that_failed_is_no_change_of_somebody_else(
    cast: Cast, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, bert = make_channel(cast.bakery, state="draft", next_fetch_at=None), signed_in(cast.bert)
    monkeypatch.setattr(check, "run_check", lambda target: BAD)
    answer = post(bert, edit(channel), opened(bert, channel, host="b.test", password="ander"))
    monkeypatch.setattr(check, "run_check", lambda target: GOOD)
    post(bert, edit(channel), shown(answer) | {"password": "nog een"})
    assert (now(channel).host, now(channel).state, password_of(channel)) == ("b.test", "active", "nog een")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("nl", "Dit kanaal is intussen gewijzigd: naam, hostnaam, client id, gepauzeerd."),
        ("en", "This channel was changed meanwhile: name, hostname, client id, paused."),
    ],
)
def test_names_of_fields_stand_in_their_sentence_without_a_capital(channel: Channel, language: str, said: str) -> None:
    with administration_scope(channel.administration_id), translation.override(language):
        was = meanwhile.settings_of(channel)
        Channel.objects.update(name="Ander", host="b.test", client_id="x", state="inactive")
        (first, *_rest) = changes_said(now(channel), was, {}, with_secrets=False)
    assert first.startswith(said)


# --- A check under way -------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["form", "list"])
@pytest.mark.parametrize("change", ["pause", "server"])
def test_check_that_ends_after_somebody_elses_change_decides_nothing(
    cast: Cast, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch, way: str, change: str
) -> None:
    channel = make_channel(cast.bakery, host="a.test", state="inactive", next_fetch_at=None)
    changes: dict[str, Callable[[], object]] = {
        "pause": lambda: (
            services.activate(now(channel), cast.anna),
            services.update_channel(now(channel), password=None, by=cast.anna, name="Van Anna"),
            services.pause(now(channel), cast.anna),
        ),
        "server": lambda: services.update_channel(now(channel), password="ander", by=cast.anna, host="b.test"),
    }

    def meanwhile_changed(target: check.Target) -> list[Step]:
        changes[change]()
        return GOOD

    monkeypatch.setattr(check, "run_check", meanwhile_changed)
    bert = signed_in(cast.bert)
    if way == "form":
        answer = post(bert, edit(channel), opened(bert, channel, active="on", folder="Archief"))
    else:
        answer = post(bert, reverse("channel-activate", args=[cast.bakery.pk, channel.pk]))
    assert (now(channel).state, now(channel).folder) == ("inactive", "INBOX")
    assert "Anna Jansen heeft dit kanaal intussen gewijzigd: " in answer.content.decode()
    assert shown(answer).get("folder") == ("Archief" if way == "form" else "INBOX")


def test_channel_that_is_paused_while_its_check_runs_stays_paused(
    cast: Cast, signed_in: SignedIn, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def paused(target: check.Target) -> list[Step]:
        services.pause(now(channel), cast.anna)
        return GOOD

    monkeypatch.setattr(check, "run_check", paused)
    bert = signed_in(cast.bert)
    answer = post(bert, edit(channel), opened(bert, channel, folder="Archief"))
    assert now(channel).state == "inactive"
    assert "Anna Jansen heeft dit kanaal intussen gewijzigd: gepauzeerd." in answer.content.decode()


# --- Two connections ---------------------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's transactions exclude each other")
@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_at_the_same_moment_the_second_sees_the_first(cast: Cast, channel: Channel) -> None:
    with administration_scope(cast.bakery.pk):
        was, reached = meanwhile.looked_at(channel), threading.Event()

    def save_second() -> bool:
        try:
            with administration_scope(cast.bakery.pk), transaction.atomic():
                second = Channel.objects.select_related("administration").get(pk=channel.pk)
                reached.set()
                meanwhile.hold(second, was, {}, {})
            return True
        except meanwhile.ChangedMeanwhile as changed:
            return changed.channel.name == channel.name
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as apart:
        with administration_scope(cast.bakery.pk), transaction.atomic():
            meanwhile.hold(now(channel), was, {}, {})
            second = apart.submit(save_second)
            assert reached.wait(10)
            services.update_channel(now(channel), password=None, by=None, name="Eerste")
        assert second.result(30) is False
    with administration_scope(cast.bakery.pk):
        assert AuditEntry.objects.filter(code="channel.changed").count() == 1


# --- What is gone is not written back ----------------------------------------------------------------------


def test_rule_that_was_removed_meanwhile_does_not_come_back(
    cast: Cast, signed_in: SignedIn, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = Said(About.SENDER, only=False, value="*@reclame.test")
    with administration_scope(cast.bakery.pk):
        rule = rulebook.add_rule(channel, said, cast.bert)
    change = rulebook.change_rule

    def removed_first(rule: ChannelRule, said: Said, by: User | None) -> None:
        rulebook.remove_rule(ChannelRule.objects.get(pk=rule.pk), cast.anna)
        change(rule, said, by)

    monkeypatch.setattr(rulebook, "change_rule", removed_first)
    url = reverse("channel-rule-edit", args=[cast.bakery.pk, channel.pk, rule.pk])
    answer = signed_in(cast.bert).post(url, {"value": "*@anders.test", "only": "never"}, follow=True)
    assert "De regel is intussen verwijderd. Er is niets opgeslagen." in answer.content.decode()
    with administration_scope(cast.bakery.pk):
        assert not ChannelRule.objects.exists()
