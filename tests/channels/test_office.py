"""The first page of an office: trouble first, a page at a time, and what is done with many administrations at once."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations.models import Administration, User
from channels import checking, services, tasks
from channels.models import Channel, ConnectionCheck, FetchRun, HostOutage
from channels.pages.queries import listed_channels
from channels.pages.rows import row_of
from channels.pages.standing import Standing, standing
from documents.models import Document
from tests.cast import Cast
from tests.channels.rows import make_channel, make_mail, make_run
from tests.queries import queries_of
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.thorough

SignedIn = Callable[[User], Client]
Act = Callable[..., Any]
LONG_AGO = timedelta(days=2)


@pytest.fixture
def anna(cast: Cast, signed_in: SignedIn) -> Client:
    return signed_in(cast.anna)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the broker is told."""
    told: list[Any] = []
    monkeypatch.setattr(tasks, "enqueue", told.append)
    monkeypatch.setattr(tasks, "offer_check", told.append)
    return told


def page_of(cast: Cast) -> str:
    return reverse("office", args=[cast.office.pk])


def administration(cast: Cast, name: str) -> Administration:
    return Administration.objects.create(environment=cast.office, name=name, plan="premium")


def names(answer: Any) -> list[str]:
    return [str(client.administration) for client in answer.context["clients"]]


def seed(cast: Cast, count: int) -> None:
    """So many administrations, each with two channels and a document; every tenth is in trouble."""
    made = Administration.objects.bulk_create(
        Administration(environment=cast.office, name=f"Klant {n:04}", plan="premium") for n in range(count)
    )
    known = {"host": "localhost", "port": 993, "state": "active", "next_fetch_at": timezone.now()}
    with every_administration():
        Channel.objects.bulk_create(
            Channel(administration=each, name=f"{n}-{of}", username=f"{n}-{of}", **known,
                    error_code="" if n % 10 or of else "password_refused")
            for n, each in enumerate(made) for of in range(2)
        )  # fmt: skip
        Document.objects.bulk_create(
            Document(administration=each, kind="upload", filename="a.pdf", content_type="application/pdf",
                     size=1, sha256="0" * 64)
            for each in made
        )  # fmt: skip


# --- What it says -----------------------------------------------------------------------------------------


def test_trouble_comes_first_with_who_must_act_and_how(cast: Cast, anna: Client) -> None:
    make_channel(cast.bakery, name="goed")
    broken = make_channel(administration(cast, "Zuivel"), name="stuk", error_code="password_refused")
    answer = anna.get(page_of(cast))
    page = answer.content.decode()
    assert names(answer) == ["Zuivel", "Bakkerij De Vries", "Kapsalon Knip"]
    assert answer.context["counts"] == {"attention": 1, "silent": 0, "fine": 1, "rest": 1}
    assert [str(client.who) for client in answer.context["clients"]] == ["Eigenaar van het postvak", "", ""]
    assert reverse("channel-edit", args=[broken.administration_id, broken.pk]) in page


#: fields of a channel -> who must act
WHO: dict[str, dict[str, Any]] = {
    "Eigenaar van het postvak": {"error_code": "password_refused"},
    "De IT-beheerder van de klant": {"error_code": "consent_needed", "auth": "entra"},
    "Jij": {"error_code": "certificate_other_name"},
    "Zenvoices": {"error_code": "key_missing", "failing_since": timezone.now() - LONG_AGO},
    "Niemand: het gaat voorbij": {"error_code": "connect_timeout", "failing_since": timezone.now() - LONG_AGO},
    "": {"error_code": "connect_timeout", "failing_since": timezone.now()},
}


@pytest.mark.parametrize(("who", "fields"), WHO.items(), ids=WHO)
def test_line_says_whose_it_is_to_mend(cast: Cast, anna: Client, who: str, fields: dict[str, Any]) -> None:
    make_channel(cast.bakery, **fields)
    assert str(anna.get(page_of(cast)).context["clients"][0].who) == who


def test_line_tells_new_documents_the_last_one_and_the_next_fetch(cast: Cast, anna: Client) -> None:
    channel = make_channel(cast.bakery)
    now = timezone.now()
    with administration_scope(cast.bakery.pk):
        for age, seen_at in ((3, None), (2, None), (1, now)):
            Document.objects.create(
                administration=cast.bakery, kind="upload", filename="a.pdf", content_type="application/pdf", size=1,
                sha256="0" * 64, received_at=now - timedelta(hours=age), seen_at=seen_at,
            )  # fmt: skip
    client = anna.get(page_of(cast)).context["clients"][0]
    found = (client.new, client.last_document_at, client.next_fetch_at)
    assert found == ("2", now - timedelta(hours=1), channel.next_fetch_at)


def test_channel_of_a_basic_administration_is_at_rest(cast: Cast, anna: Client) -> None:
    make_channel(cast.basic, error_code="password_refused")
    assert anna.get(page_of(cast)).context["counts"] == {"attention": 0, "silent": 0, "fine": 0, "rest": 2}


def test_administration_that_is_being_erased_is_gone(cast: Cast, anna: Client) -> None:
    make_channel(cast.bakery)
    Administration.objects.filter(pk=cast.bakery.pk).update(erasing_since=timezone.now())
    assert names(anna.get(page_of(cast))) == ["Kapsalon Knip"]
    assert anna.get(reverse("environment-channels", args=[cast.office.pk])).context["rows"] == []


def test_typing_and_a_group_narrow_the_list(cast: Cast, anna: Client) -> None:
    make_channel(administration(cast, "Bakkerij Bos"), error_code="password_refused")
    make_channel(cast.bakery)
    assert names(anna.get(page_of(cast), {"q": "bak bos"})) == ["Bakkerij Bos"]
    assert names(anna.get(page_of(cast), {"q": "bakkerij", "show": "fine"})) == ["Bakkerij De Vries"]
    assert names(anna.get(page_of(cast), {"q": "vreemd"})) == []
    assert names(anna.get(page_of(cast), {"show": "nonsense", "page": "x"}))[0] == "Bakkerij Bos"


#: fields of a channel -> how it stands
STANDS: dict[str, tuple[dict[str, Any], Standing]] = {
    "active": ({}, Standing.FINE),
    "draft": ({"state": "draft"}, Standing.REST),
    "paused": ({"state": "inactive"}, Standing.REST),
    "stopped": ({"state": "inactive", "inactive_reason": "failures", "error_code": "connect_timeout"},
                Standing.MENDING),
    "refused": ({"error_code": "password_refused"}, Standing.MENDING),
    "doubtful once": ({"error_code": "sign_in_refused", "failures": 1}, Standing.FINE),
    "doubtful twice": ({"error_code": "sign_in_refused", "failures": 2}, Standing.MENDING),
    "failing for minutes": ({"error_code": "connect_timeout", "failures": 1}, Standing.FINE),
    "failing for days": ({"error_code": "disk_full", "failing_since": timezone.now() - LONG_AGO}, Standing.NOTHING),
    "silent": ({"silent_since": timezone.localdate()}, Standing.SILENT),
    "paused when silent": ({"state": "inactive", "silent_since": timezone.localdate()}, Standing.REST),
    "refused for everybody": ({"error_code": "password_refused", "host": "down.test"}, Standing.FINE),
    "refused while its host is down": ({"error_code": "password_refused", "host": "silent.test"}, Standing.MENDING),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "stands"), STANDS.values(), ids=STANDS)
def test_database_says_of_a_channel_what_its_row_says(cast: Cast, fields: dict[str, Any], stands: Standing) -> None:
    HostOutage.objects.create(host="down.test", code="password_refused")
    HostOutage.objects.create(host="silent.test")
    make_channel(cast.bakery, **fields)
    with administration_scope(cast.bakery.pk):
        row = row_of(*listed_channels(Channel.objects.values_list("pk", flat=True)))
        assert Channel.objects.annotate(stands=standing()).get().stands == stands
    assert row.needs_mending == (stands == Standing.MENDING)
    assert (row.nothing_since is not None) == (stands == Standing.NOTHING)
    assert bool(row.silence) == (stands == Standing.SILENT)


def test_mail_that_is_not_taken_in_wants_attention(cast: Cast, anna: Client) -> None:
    make_mail(make_run(make_channel(cast.bakery)), state="failed", standing=True)
    (client,) = anna.get(page_of(cast), {"show": "attention"}).context["clients"]
    assert (client.standing, str(client.who)) == (Standing.NOT_TAKEN_IN, "Jij")


# --- However many there are -------------------------------------------------------------------------------


def test_page_costs_the_same_with_three_hundred_administrations_as_with_two(cast: Cast, anna: Client) -> None:
    make_run(make_channel(cast.bakery))
    anna.get(page_of(cast))
    few = queries_of(anna, page_of(cast))
    seed(cast, 300)
    answer = anna.get(page_of(cast))
    assert queries_of(anna, page_of(cast)) == few
    assert (len(answer.context["clients"]), answer.context["counts"]["attention"]) == (50, 30)
    assert names(answer)[:30] == [f"Klant {n:04}" for n in range(0, 300, 10)]
    assert len(answer.content) < 100_000


def test_pages_go_on_where_the_last_one_ended(cast: Cast, anna: Client) -> None:
    seed(cast, 60)
    first, second = (names(anna.get(page_of(cast), {"page": page})) for page in (1, 2))
    assert (len(first), len(second), set(first) & set(second)) == (50, 12, set())


# --- Many at once -----------------------------------------------------------------------------------------


@pytest.fixture
def act(cast: Cast, anna: Client, django_capture_on_commit_callbacks: Any) -> Callable[..., Any]:
    def acted(name: str, *chosen: Administration, **more: str) -> Any:
        data = {"act": name, "ids": [str(each.pk) for each in chosen], **more}
        with django_capture_on_commit_callbacks(execute=True):
            answer = anna.post(reverse("office-act", args=[cast.office.pk]), data)
        return anna.get(answer.headers["Location"]) if answer.status_code == 302 else answer

    return acted


def test_it_asks_first_and_says_how_many_channels_it_is_about(cast: Cast, act: Act, asked: list[Any]) -> None:
    make_channel(cast.bakery, name="een")
    make_channel(cast.bakery, name="rust", state="inactive")
    make_channel(administration(cast, "Zuivel"))
    page = act("fetch", *cast.office.administrations.all()).content.decode()
    assert "Het gaat om 2 kanalen, van 2 administraties." in page
    assert asked == []


def test_fetching_begins_a_fetch_by_hand_for_each_active_channel(cast: Cast, act: Act, asked: list[Any]) -> None:
    active, other = make_channel(cast.bakery), make_channel(administration(cast, "Zuivel"))
    make_channel(cast.bakery, name="rust", state="inactive")
    make_channel(cast.foreign)
    everything = [*cast.office.administrations.all(), cast.foreign]
    page = act("fetch", *everything, sure="yes").content.decode()
    assert "2 kanalen worden opgehaald." in page
    assert sorted(run.channel_id for run in asked) == sorted([active.pk, other.pk])
    assert {(run.trigger, run.started_by) for run in asked} == {(FetchRun.Trigger.MANUAL, cast.anna)}
    assert 'hx-get="' + reverse("office-client", args=[cast.office.pk, cast.bakery.pk]) in page


def test_line_says_what_the_fetches_brought(cast: Cast, anna: Client) -> None:
    brought = make_run(make_channel(cast.bakery, name="een"), trigger="manual", documents=3)
    line = reverse("office-client", args=[cast.office.pk, cast.bakery.pk])
    answer = anna.get(line)
    assert (answer.status_code, "3 documenten opgehaald" in answer.content.decode()) == (286, True)
    make_run(brought.channel, trigger="manual", outcome="failed", error_code="connect_timeout")
    assert "Ophalen mislukt bij 1 kanaal" in anna.get(line).content.decode()
    make_run(brought.channel, state="queued", outcome="", started_at=None, finished_at=None)
    answer = anna.get(line)
    assert (answer.status_code, "Ophalen mislukt" in answer.content.decode()) == (200, False)


def test_line_at_rest_shows_all_of_a_fetch_that_ended_while_it_was_read(cast: Cast, anna: Client) -> None:
    """It is not looked at again: before whichever query the fetch ends, the line follows on or has all of it."""
    channel = make_channel(cast.bakery)
    address = reverse("office-client", args=[cast.office.pk, cast.bakery.pk])
    seen: list[Any] = []
    for number in range(queries_of(anna, address)):
        run = make_run(channel, trigger="manual", state="running", outcome="", finished_at=None)
        with connection.execute_wrapper(_before(number, lambda run=run: _bring(run))):
            client = anna.get(address).context["client"]
        seen.append(client.is_busy or (client.new, client.fetched.documents))
        with administration_scope(cast.bakery.pk):
            Document.objects.all().delete()
            FetchRun.objects.all().delete()
    assert set(seen) == {True, ("1", 1)}


def _before(number: int, act: Callable[[], None]) -> Callable[..., Any]:
    """A wrapper that acts once, before that query."""
    counted = itertools.count()

    def wrapper(execute: Any, *query: Any) -> Any:
        if next(counted) == number:
            act()
        return execute(*query)

    return wrapper


def _bring(run: FetchRun) -> None:
    """Ends it with one document."""
    with administration_scope(run.administration_id):
        Document.objects.create(
            administration_id=run.administration_id, kind="mail", filename="a.pdf", content_type="application/pdf",
            size=1, sha256="0" * 64,
        )  # fmt: skip
        now = timezone.now()
        FetchRun.objects.filter(pk=run.pk).update(state="finished", outcome="succeeded", documents=1, finished_at=now)


def test_fetching_takes_no_more_places_than_there_are(cast: Cast, act: Act, asked: list[Any], settings: Any) -> None:
    settings.FETCH_PER_HOST = 1
    for name in ("een", "twee", "drie"):
        make_channel(cast.bakery, name=name)
    page = act("fetch", cast.bakery, sure="yes").content.decode()
    assert len(asked) == 1
    assert "2 kanalen wachten: ze volgen vanzelf binnen een half uur." in page


def test_checking_changes_nothing_and_its_line_says_what_was_found(
    cast: Cast, anna: Client, act: Act, asked: list[Any], settings: Any
) -> None:
    settings.MAIL_CONNECT_SECONDS = 1
    paused = make_channel(cast.bakery, state="inactive", port=1, next_fetch_at=None)
    page = act("check", cast.bakery, sure="yes").content.decode()
    assert "De verbinding van 1 kanaal wordt gecontroleerd." in page
    assert "Verbinding wordt gecontroleerd…" in page
    with administration_scope(cast.bakery.pk):
        checking.perform(asked[0].pk)
        paused.refresh_from_db()
    line = anna.get(reverse("office-client", args=[cast.office.pk, cast.bakery.pk]))
    assert (line.status_code, paused.state) == (286, "inactive")
    assert f"Gecontroleerd: {paused.name} werkt niet" in line.content.decode()


def test_a_check_that_only_looks_activates_nothing(
    cast: Cast, anna: Client, act: Act, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    paused = make_channel(cast.bakery, state="inactive", next_fetch_at=None)
    monkeypatch.setattr(checking.check, "run_check", lambda target: [checking.Step("folder", ok=True)])
    act("check", cast.bakery, sure="yes")
    with administration_scope(cast.bakery.pk):
        checking.perform(asked[0].pk)
        paused.refresh_from_db()
        assert (paused.state, ConnectionCheck.objects.get().passed) == ("inactive", True)
    page = anna.get(page_of(cast)).content.decode()
    assert "Gecontroleerd: de verbinding werkt" in page


def test_activating_asks_for_checks_of_channels_that_are_linked_and_kept(
    cast: Cast, act: Act, asked: list[Any], settings: Any
) -> None:
    settings.CHECKS_AT_ONCE = 4
    stopped = [make_channel(cast.bakery, name=name, state="inactive") for name in ("een", "twee", "drie")]
    make_channel(cast.bakery, name="actief")
    make_channel(cast.bakery, name="achtergelaten", state="draft", left_since=timezone.now())
    make_channel(cast.bakery, name="niet gekoppeld", state="inactive", auth="google")
    page = act("activate", cast.bakery, sure="yes").content.decode()
    assert [(check.purpose, check.person) for check in asked] == [("activate", cast.anna)] * 2
    assert "1 kanaal is nog niet bekeken. Doe hetzelfde over een minuut nog eens." in page
    act("activate", cast.bakery, sure="yes")
    assert {check.channel_id for check in asked} == {each.pk for each in stopped}


@pytest.mark.parametrize("name", ["fetch", "nonsense"])
def test_nothing_chosen_does_nothing(cast: Cast, act: Act, asked: list[Any], name: str) -> None:
    assert act(name, sure="yes").wsgi_request.path == page_of(cast)
    assert asked == []


def test_home_of_who_looks_after_several_administrations_is_the_office(cast: Cast, signed_in: SignedIn) -> None:
    assert signed_in(cast.anna).get("/").headers["Location"] == page_of(cast)
    assert signed_in(cast.bert).get("/").headers["Location"] == reverse("documents", args=[cast.bakery.pk])
    assert signed_in(cast.charlie).get("/").headers["Location"] == reverse("documents", args=[cast.foreign.pk])


# --- What changed meanwhile -------------------------------------------------------------------------------


def shown_in(answer: Any) -> str:
    """The channels that it asks about, as its form brings them back."""
    return str(re.search(r'name="shown" value="([^"]*)"', answer.content.decode())[1])  # type: ignore[index]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "nl",
            "Overgeslagen: 2 kanalen zijn al actief, 1 kanaal is intussen gewijzigd, 1 kanaal is intussen verwijderd, "
            "1 kanaal is niet meer gekoppeld.",
        ),
        (
            "en",
            "Left as it was: 2 channels are active already, 1 channel was changed meanwhile, 1 channel was deleted "
            "meanwhile, 1 channel is no longer linked.",
        ),
    ],
)
def test_activating_says_how_many_were_left_and_why(
    cast: Cast, act: Act, asked: list[Any], language: str, said: str
) -> None:
    User.objects.update(language=language)
    linked = {"auth": "google", "linked_at": timezone.now()}
    stays, gone, *active, unlinked, left = [
        make_channel(cast.bakery, name=str(number), state="inactive", **(linked if number == 4 else {}))
        for number in range(6)
    ]
    shown = shown_in(act("activate", cast.bakery))
    make_channel(cast.bakery, name="kwam later", state="inactive")
    with administration_scope(cast.bakery.pk):
        services.delete(gone, None)
        Channel.objects.filter(pk__in=[one.pk for one in active]).update(state="active")
        Channel.objects.filter(pk=unlinked.pk).update(linked_at=None)
        Channel.objects.filter(pk=left.pk).update(left_since=timezone.now())
    page = act("activate", cast.bakery, sure="yes", shown=shown).content.decode()
    assert said in page
    assert [check.channel_id for check in asked] == [stays.pk]


def test_when_all_changed_meanwhile_it_says_that_alone(cast: Cast, act: Act, asked: list[Any]) -> None:
    channel = make_channel(cast.bakery)
    shown = shown_in(act("fetch", cast.bakery))
    with administration_scope(cast.bakery.pk):
        services.pause(channel, None)
    page = act("fetch", cast.bakery, sure="yes", shown=shown).content.decode()
    assert "Overgeslagen: 1 kanaal is niet meer actief." in page
    assert ("Er is niets gedaan" in page, asked) == (False, [])


def test_what_is_said_of_another_offices_channel_tells_nothing_of_it(cast: Cast, act: Act) -> None:
    theirs = make_channel(cast.foreign, state="inactive")
    page = act("activate", cast.bakery, sure="yes", shown=str(theirs.pk)).content.decode()
    assert "Overgeslagen: 1 kanaal is intussen verwijderd." in page


@pytest.mark.parametrize("shown", ["x", "1 2"])
def test_nonsense_for_what_was_shown_is_not_found(cast: Cast, act: Act, shown: str) -> None:
    assert act("activate", cast.bakery, sure="yes", shown=shown).status_code == 404


def test_line_says_which_were_left_because_they_changed_during_their_check(
    cast: Cast, anna: Client, act: Act, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = make_channel(cast.bakery, state="inactive", next_fetch_at=None)

    def changed_first(target: object) -> list[Any]:
        services.update_channel(channel, password=None, by=cast.bert, host="b.test")
        return [checking.Step("folder", ok=True)]

    monkeypatch.setattr(checking.check, "run_check", changed_first)
    act("activate", cast.bakery, sure="yes")
    with administration_scope(cast.bakery.pk):
        checking.perform(asked[0].pk)
        channel.refresh_from_db()
    line = anna.get(reverse("office-client", args=[cast.office.pk, cast.bakery.pk])).content.decode()
    assert (channel.state, "Overgeslagen: 1 kanaal is intussen gewijzigd." in line) == ("inactive", True)
