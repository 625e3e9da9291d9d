"""Connection checks in a worker: how many, what becomes of one that nobody ends, and what is left of what was typed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations.models import Administration, AdministrationAccess, User
from channels import check, checking, services, tasks, trying
from channels.checking import ENDS_WITHIN, KEPT, OFFER_AGAIN, STARTS_WITHIN, Full, Purpose, Typed
from channels.links import vault
from channels.models import Channel, ConnectionCheck
from tests.cast import Cast
from tests.channels.followed import follow, post
from tests.channels.provider import SaidProvider
from tests.channels.rows import make_channel
from tests.channels.test_forms import AT_GOOGLE, TYPED
from tests.channels.test_oauth_views import ask_provider, call_back, linked, said_provider
from tests.channels.test_views import BAD, GOOD
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.thorough

__all__ = ["said_provider"]  # a fixture
SignedIn = Callable[[User], Client]
LOOK, SAVE = TYPED | {"action": "check"}, TYPED | {"action": "save"}


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[check.Target]:
    """The connection works; returns what was checked."""
    targets: list[check.Target] = []
    monkeypatch.setattr(check, "run_check", lambda target: targets.append(target) or GOOD)
    return targets


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The arguments of each message that the broker was given."""
    messages: list[tuple[str, ...]] = []
    monkeypatch.setattr(tasks.check, "apply_async", lambda ids, *_, **__: messages.append(ids))
    return messages


def new(administration: Administration) -> str:
    return reverse("channel-new-email", args=[administration.pk])


def page_of(asked: ConnectionCheck) -> str:
    return reverse("channel-check", args=[asked.administration_id, asked.pk])


def only_check() -> ConnectionCheck:
    with every_administration():
        return ConnectionCheck.objects.get()


def ask(administration: Administration, **more: Any) -> ConnectionCheck:
    with administration_scope(administration.pk):
        return checking.ask(administration, Purpose.ACTIVATE, channel=make_channel(administration), **more)


def long_ago(**moments: timedelta) -> None:
    with every_administration():
        ConnectionCheck.objects.update(**{name: timezone.now() - ago for name, ago in moments.items()})


def channels() -> list[tuple[str, str]]:
    with every_administration():
        return list(Channel.objects.order_by("name").values_list("name", "state"))


def schedule() -> None:
    with every_administration():
        tasks.settle_checks()


def shown(client: Client, url: str) -> str:
    return client.get(url).content.decode()


# --- How many ---------------------------------------------------------------------------------------------


def test_one_check_too_many_is_refused_with_its_sentence(
    cast: Cast, signed_in: SignedIn, settings: Any, looked: list[check.Target]
) -> None:
    settings.CHECKS_PER_ADMINISTRATION = 2
    bert = signed_in(cast.bert)
    for _ in range(2):
        assert bert.post(new(cast.bakery), LOOK).status_code == 302
    answer = bert.post(new(cast.bakery), SAVE)
    assert (answer.status_code, channels(), looked) == (422, [], [])
    assert "Er lopen al 2 controles. Probeer het zo opnieuw." in answer.content.decode()
    follow(bert, answer)
    assert bert.post(new(cast.bakery), LOOK).status_code == 302


def test_checks_of_one_administration_keep_no_other_waiting(cast: Cast, settings: Any) -> None:
    settings.CHECKS_PER_ADMINISTRATION = 1
    ask(cast.bakery)
    ask(cast.foreign)
    with pytest.raises(Full) as full:
        ask(cast.bakery)
    assert full.value.in_administration


def test_portal_has_its_own_bound(cast: Cast, signed_in: SignedIn, settings: Any) -> None:
    settings.CHECKS_AT_ONCE = 1
    ask(cast.foreign)
    User.objects.filter(pk=cast.bert.pk).update(language="en")
    page = signed_in(cast.bert).post(new(cast.bakery), LOOK).content.decode()
    assert "Too many connection checks are running now. Try again in a moment." in page


def test_activating_from_the_list_when_full_says_so(cast: Cast, signed_in: SignedIn, settings: Any) -> None:
    settings.CHECKS_PER_ADMINISTRATION = 0
    channel = make_channel(cast.bakery, state="inactive")
    answer = signed_in(cast.bert).post(reverse("channel-activate", args=[cast.bakery.pk, channel.pk]))
    assert [str(said) for said in get_messages(answer.wsgi_request)] == [
        "Er lopen al 0 controles. Probeer het zo opnieuw."
    ]


def test_coming_back_from_the_provider_when_full_links_all_the_same(
    cast: Cast, signed_in: SignedIn, said_provider: SaidProvider, settings: Any
) -> None:
    settings.CHECKS_AT_ONCE = 0
    channel, bert = (
        linked(cast.bakery, state="inactive", inactive_reason="failures", linked_at=None),
        signed_in(cast.bert),
    )
    ask_provider(bert, channel)
    answer = call_back(bert, said_provider)
    assert [str(said) for said in get_messages(answer.wsgi_request)] == [
        "Er lopen nu te veel controles. Probeer het zo opnieuw.",
        "Gekoppeld met jan@gmail.com. Activeer het kanaal als je verder wilt.",
    ]
    with every_administration():
        assert Channel.objects.get(pk=channel.pk).linked_at is not None


@pytest.mark.parametrize(("state", "ago"), [("queued", STARTS_WITHIN), ("running", ENDS_WITHIN)])
def test_check_that_nobody_ends_holds_no_place(cast: Cast, settings: Any, state: str, ago: timedelta) -> None:
    settings.CHECKS_PER_ADMINISTRATION = 1
    asked = ask(cast.bakery)
    with every_administration():
        ConnectionCheck.objects.filter(pk=asked.pk).update(state=state)
    long_ago(queued_at=ago, started_at=ago)
    assert ask(cast.bakery).is_open


# --- Following it -----------------------------------------------------------------------------------------


def test_page_follows_a_check_that_goes_on(cast: Cast, signed_in: SignedIn) -> None:
    bert = signed_in(cast.bert)
    answer = bert.post(new(cast.bakery), LOOK, headers={"HX-Request": "true"})
    url = page_of(only_check())
    assert (answer.status_code, answer.headers["HX-Replace-Url"]) == (200, url)
    for page in (answer.content.decode(), shown(bert, url)):
        assert f'hx-get="{url}" hx-trigger="load delay:1s"' in page
        assert "Verbinding wordt gecontroleerd…" in page
        assert 'value="mail.devries.test"' in page
        assert "geheim" not in page
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in shown(bert, url)


def test_page_of_a_check_that_ended_asks_no_more(cast: Cast, signed_in: SignedIn, looked: list[check.Target]) -> None:
    bert = signed_in(cast.bert)
    answer = post(bert, new(cast.bakery), LOOK, headers={"HX-Request": "true"})
    assert (answer.headers["HX-Retarget"], answer.headers["HX-Reselect"]) == ("#channel-editor", "#channel-editor")
    url = page_of(only_check())
    page = shown(bert, url)
    assert "De verbinding werkt" in page
    assert [word for word in (f'hx-get="{url}"', 'http-equiv="refresh"', "geheim") if word in page] == []


def test_check_of_another_administration_is_404(cast: Cast, signed_in: SignedIn) -> None:
    asked = ask(cast.foreign)
    assert signed_in(cast.bert).get(reverse("channel-check", args=[cast.bakery.pk, asked.pk])).status_code == 404


def test_message_that_comes_twice_checks_once(cast: Cast, signed_in: SignedIn, looked: list[check.Target]) -> None:
    signed_in(cast.bert).post(new(cast.bakery), SAVE)
    for _ in range(2):
        tasks.check(str(cast.bakery.pk), str(only_check().pk))
    assert (len(looked), channels()) == (1, [("facturen@devries.test", "active")])


def test_message_that_was_lost_is_told_again_once_by_the_page_and_the_tick(
    cast: Cast, signed_in: SignedIn, offered: list[tuple[str, ...]], django_capture_on_commit_callbacks: Any
) -> None:
    bert, asked = signed_in(cast.bert), ask(cast.bakery)
    ids = (str(cast.bakery.pk), str(asked.pk))
    for again in (lambda: bert.get(page_of(asked)), schedule):
        offered.clear()
        long_ago(offered_at=OFFER_AGAIN * 2)
        for _ in range(3):
            with django_capture_on_commit_callbacks(execute=True):
                again()
        assert offered == [ids]


def test_broker_that_is_away_breaks_no_page(
    cast: Cast, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def away(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(tasks.check, "apply_async", away)
    with django_capture_on_commit_callbacks(execute=True):
        answer = signed_in(cast.bert).post(new(cast.bakery), LOOK)
    assert answer.headers["Location"] == page_of(only_check())


def test_check_that_nobody_takes_up_says_that_we_are_at_it(cast: Cast, signed_in: SignedIn, settings: Any) -> None:
    settings.REDIS_URL = ""
    asked = ask(cast.bakery)
    long_ago(queued_at=timedelta(seconds=6))
    assert "Er wordt nu niets gecontroleerd. Wij zijn ermee bezig" in shown(signed_in(cast.bert), page_of(asked))


# --- Its end, whatever happens ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "ago", "said"),
    [("queued", STARTS_WITHIN, "De controle is niet begonnen"), ("running", ENDS_WITHIN, "De controle brak af")],
)
@pytest.mark.parametrize("who", ["page", "tick"])
def test_check_that_nobody_ends_says_so_and_can_be_tried_again(
    cast: Cast, signed_in: SignedIn, looked: list[check.Target], state: str, ago: timedelta, said: str, who: str
) -> None:
    bert = signed_in(cast.bert)
    bert.post(new(cast.bakery), SAVE)
    asked = only_check()
    assert asked.secrets != ""
    with every_administration():
        ConnectionCheck.objects.update(state=state)
    long_ago(queued_at=ago, started_at=ago)
    if who == "tick":
        tasks.tick()
        assert only_check().secrets == ""
    page = shown(bert, page_of(asked))
    assert said in page
    assert "Er is niets opgeslagen. Probeer het zo opnieuw." in page
    assert 'value="mail.devries.test"' in page
    assert (only_check().secrets, channels()) == ("", [])
    post(bert, new(cast.bakery), SAVE)
    assert channels() == [("facturen@devries.test", "active")]


def test_worker_that_comes_too_late_changes_nothing(
    cast: Cast, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(target: check.Target) -> list[check.Step]:
        long_ago(started_at=ENDS_WITHIN)
        schedule()
        return GOOD

    monkeypatch.setattr(check, "run_check", too_late)
    post(signed_in(cast.bert), new(cast.bakery), SAVE)
    assert (only_check().outcome, channels()) == ("interrupted", [])


def test_mistake_of_ours_ends_the_check_and_is_not_hidden(
    cast: Cast, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(target: check.Target) -> list[check.Step]:
        raise KeyError("nobody thought of this")

    monkeypatch.setattr(check, "run_check", mistaken)
    signed_in(cast.bert).post(new(cast.bakery), SAVE)
    with pytest.raises(KeyError):
        tasks.check(str(cast.bakery.pk), str(only_check().pk))
    assert (only_check().outcome, only_check().secrets) == ("interrupted", "")


def test_person_who_lost_the_right_meanwhile_saves_nothing(
    cast: Cast, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def demoted(target: check.Target) -> list[check.Step]:
        AdministrationAccess.objects.filter(user=cast.bert).update(role="user")
        return GOOD

    monkeypatch.setattr(check, "run_check", demoted)
    post(signed_in(cast.bert), new(cast.bakery), SAVE)
    assert (only_check().outcome, channels()) == ("not_allowed", [])
    assert "Je mag dit niet meer" in shown(signed_in(cast.anna), page_of(only_check()))


def test_channel_that_was_deleted_meanwhile_stays_deleted(
    cast: Cast, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = make_channel(cast.bakery, state="inactive")

    def deleted(target: check.Target) -> list[check.Step]:
        services.delete(channel, None)
        return GOOD

    monkeypatch.setattr(check, "run_check", deleted)
    answer = post(signed_in(cast.bert), reverse("channel-activate", args=[cast.bakery.pk, channel.pk]))
    assert answer.headers["Location"] == reverse("channels", args=[cast.bakery.pk])
    assert [str(said) for said in get_messages(answer.wsgi_request)] == ["Het kanaal is intussen verwijderd."]
    assert channels() == [("facturen@devries.test", "inactive")]


# --- What is left of what was typed -----------------------------------------------------------------------


@pytest.mark.parametrize("steps", [GOOD, BAD])
def test_password_lies_nowhere_in_clear_and_is_gone_when_the_check_ends(
    cast: Cast, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch, offered: list[tuple[str, ...]],
    django_capture_on_commit_callbacks: Any, steps: list[check.Step],
) -> None:  # fmt: skip
    monkeypatch.setattr(check, "run_check", lambda target: steps)
    bert = signed_in(cast.bert)
    with django_capture_on_commit_callbacks(execute=True):
        bert.post(new(cast.bakery), LOOK)
    asked = only_check()
    assert offered == [(str(cast.bakery.pk), str(asked.pk))]
    assert (asked.secrets.startswith("1."), "geheim" in repr(vars(asked))) == (True, False)
    tasks.check(*offered[0])
    assert (only_check().secrets, channels()) == ("", [])


def test_password_of_one_check_does_not_open_in_another(cast: Cast) -> None:
    typed = Typed({"auth": "password"}, active=True, secrets={"password": "geheim"})
    one, other = ask(cast.bakery, typed=typed), ask(cast.foreign, typed=typed)
    other.secrets = one.secrets
    assert trying.secrets_of(one) == {"password": "geheim"}
    with pytest.raises(vault.OurProblem):
        trying.secrets_of(other)


def test_check_is_erased_after_an_hour(cast: Cast, signed_in: SignedIn) -> None:
    asked = ask(cast.bakery)
    long_ago(queued_at=KEPT)
    schedule()
    assert signed_in(cast.bert).get(page_of(asked)).status_code == 404


# --- Drafts that nobody asked to keep ---------------------------------------------------------------------


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "run_check", lambda target: BAD)


def left() -> list[str]:
    with every_administration():
        return list(Channel.objects.exclude(left_since=None).values_list("name", flat=True))


def draft_of(administration: Administration) -> str:
    with every_administration():
        channel = Channel.objects.get()
    return reverse("channel-edit", args=[administration.pk, channel.pk])


@pytest.mark.usefixtures("failing")
def test_draft_that_a_failed_check_left_is_told_and_goes_after_its_time(
    cast: Cast, signed_in: SignedIn, settings: Any
) -> None:
    bert = signed_in(cast.bert)
    post(bert, new(cast.bakery), SAVE)
    assert "Nooit opgeslagen: verdwijnt op" in shown(bert, reverse("channels", args=[cast.bakery.pk]))
    for days, there in ((settings.DRAFTS_KEPT_DAYS - 1, True), (settings.DRAFTS_KEPT_DAYS, False)):
        with every_administration():
            Channel.objects.update(left_since=timezone.now() - timedelta(days=days))
        schedule()
        with every_administration():
            assert Channel.objects.filter(deleted_at=None).exists() is there


@pytest.mark.usefixtures("failing")
def test_draft_that_somebody_keeps_stays(cast: Cast, signed_in: SignedIn) -> None:
    bert = signed_in(cast.bert)
    post(bert, new(cast.bakery), SAVE)
    assert left() == ["facturen@devries.test"]
    bert.post(draft_of(cast.bakery), TYPED | {"action": "keep", "password": ""})
    assert left() == []
    post(bert, draft_of(cast.bakery), SAVE)  # fails once more
    assert left() == []
    assert "Nooit opgeslagen" not in shown(bert, reverse("channels", args=[cast.bakery.pk]))


def test_draft_that_works_after_all_is_an_ordinary_channel(
    cast: Cast, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    bert = signed_in(cast.bert)
    for steps in (BAD, GOOD):
        monkeypatch.setattr(check, "run_check", lambda target, found=steps: found)
        with every_administration():
            there = draft_of(cast.bakery) if Channel.objects.exists() else new(cast.bakery)
        post(bert, there, SAVE)
    assert (left(), channels()) == ([], [("facturen@devries.test", "active")])


@pytest.mark.usefixtures("failing")
@pytest.mark.parametrize("typed", [SAVE, AT_GOOGLE | {"action": "save"}, AT_GOOGLE | {"action": "check"}])
def test_drafts_that_nobody_keeps_are_bounded(
    cast: Cast, signed_in: SignedIn, settings: Any, typed: dict[str, str]
) -> None:
    settings.DRAFTS_PER_ADMINISTRATION = 2
    bert = signed_in(cast.bert)
    for number in range(3):
        answer = post(bert, new(cast.bakery), typed | {"name": f"nummer {number}"})
    assert (answer.status_code, left()) == (422, ["nummer 0", "nummer 1"])
    assert "2 concepten zijn nooit opgeslagen. Verwijder er eerst een." in answer.content.decode()
    kept = bert.post(new(cast.bakery), TYPED | {"action": "keep", "name": "bewaard"})
    assert (kept.status_code, len(channels())) == (302, 3)
