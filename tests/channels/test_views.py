"""Kanalen: the list, its rows, and the form behind them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations.models import Administration, User
from channels import check, services, tasks
from channels.check import Step
from channels.errors import channel_error
from channels.links import vault
from channels.models import Channel, FetchRun
from documents.models import Document
from tests.cast import Cast
from tests.channels.followed import post
from tests.channels.rows import make_channel, make_run
from tests.channels.test_forms import STORED, TYPED
from tests.queries import queries_of
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough

SignedIn = Callable[[User], Client]
GOOD = [Step("name", ok=True, facts={"host": "h"}), Step("folder", ok=True, facts={"unread": 3, "folder": "INBOX"})]
BAD = [Step("name", ok=True, facts={"host": "h"}), Step("sign_in", ok=False, error=channel_error("password_refused"))]


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[check.Target]:
    """The connection check succeeds; returns what was checked."""
    return _answer(monkeypatch, GOOD)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[check.Target]:
    return _answer(monkeypatch, BAD)


@pytest.fixture
def enqueued(monkeypatch: pytest.MonkeyPatch) -> list[FetchRun]:
    runs: list[FetchRun] = []
    monkeypatch.setattr(tasks, "enqueue", runs.append)
    return runs


def _answer(monkeypatch: pytest.MonkeyPatch, steps: list[Step]) -> list[check.Target]:
    targets: list[check.Target] = []

    def answer(target: check.Target) -> list[Step]:
        targets.append(target)
        return steps

    monkeypatch.setattr(check, "run_check", answer)
    return targets


def address(name: str, administration: Administration, *ids: Any) -> str:
    return reverse(name, args=[administration.pk, *ids])


def fresh(channel: Channel) -> Channel:
    with administration_scope(channel.administration_id):
        return Channel.objects.get(pk=channel.pk)


def only_channel(administration: Administration) -> Channel:
    with administration_scope(administration.pk):
        return Channel.objects.get()


def password_of(channel: Channel) -> dict[str, str]:
    with administration_scope(channel.administration_id):
        return vault.read_all(channel)


def said(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


# --- The list -------------------------------------------------------------------------------------------


def test_empty_list_teaches_and_has_one_button(cast: Cast, signed_in: SignedIn) -> None:
    page = signed_in(cast.bert).get(address("channels", cast.bakery)).content.decode()
    assert page.count(address("channel-new", cast.bakery)) == 1
    assert "Koppel een postvak één keer" in page


def test_list_shows_only_channels_of_this_administration(cast: Cast, signed_in: SignedIn) -> None:
    make_channel(cast.bakery, name="eigen")
    make_channel(cast.bakery, name="verwijderd", deleted_at=timezone.now())
    make_channel(cast.foreign, name="vreemd")
    answer = signed_in(cast.bert).get(address("channels", cast.bakery))
    assert [row.channel.name for row in answer.context["rows"]] == ["eigen"]


def test_row_buttons_stand_in_the_article_s_order(cast: Cast, signed_in: SignedIn) -> None:
    make_channel(cast.bakery)
    page = signed_in(cast.bert).get(address("channels", cast.bakery)).content.decode()
    titles = ["Wijzigen", "Pauzeren", "Documenten ophalen", "Logboek weergeven"]
    places = [page.index(f'title="{title}"') for title in titles]
    assert places == sorted(places)
    assert page.count('class="icon-btn"') - page.count("data-toast-close") >= len(titles)


@pytest.mark.parametrize(
    ("fields", "pill", "mend"),
    [
        ({}, "Actief", False),
        ({"state": "draft"}, "Concept", False),
        ({"state": "inactive"}, "Inactief", False),
        ({"state": "inactive", "inactive_reason": "failures"}, "Inactief", True),
        ({"error_code": "password_refused"}, "Opnieuw koppelen", True),
        ({"error_code": "connect_timeout", "failures": 2}, "Actief", False),
    ],
)
def test_pill_says_the_state(cast: Cast, signed_in: SignedIn, fields: dict[str, Any], pill: str, mend: bool) -> None:
    make_channel(cast.bakery, **fields)
    (row,) = signed_in(cast.bert).get(address("channels", cast.bakery)).context["rows"]
    assert (str(row.pill.text), row.needs_mending) == (pill, mend)


def test_failures_are_counted_in_the_row(cast: Cast, signed_in: SignedIn) -> None:
    make_channel(cast.bakery, failures=2, failing_since=timezone.now(), error_code="connect_timeout")
    page = signed_in(cast.bert).get(address("channels", cast.bakery)).content.decode()
    assert "Mislukt 2 van 5 sinds" in page
    assert "localhost antwoordt niet op poort 993." in page


def test_list_costs_the_same_with_three_channels_as_with_one(cast: Cast, signed_in: SignedIn) -> None:
    client, url = signed_in(cast.bert), address("channels", cast.bakery)
    make_run(make_channel(cast.bakery, name="1"))
    client.get(url)
    one = queries_of(client, url)
    for name in ("2", "3"):
        make_run(make_channel(cast.bakery, name=name))
    assert queries_of(client, url) == one


@pytest.mark.parametrize(("there", "shown"), [(0, "0"), (3, "3"), (5, "3+")])
def test_documents_are_counted_up_to_a_bound(
    cast: Cast, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch, there: int, shown: str
) -> None:
    for name in ("channels.pages.queries.DOCUMENTS_COUNTED", "channels.pages.rows.DOCUMENTS_COUNTED"):
        monkeypatch.setattr(name, 3)
    channel = make_channel(cast.bakery)
    with administration_scope(cast.bakery.pk):
        for number in range(there + 1):
            Document.objects.create(
                administration=cast.bakery, kind="attachment", filename="a.pdf", content_type="application/pdf", size=1,
                sha256="0" * 64, source_id=channel.pk, deleted_at=None if number else timezone.now(),
            )  # fmt: skip
    (row,) = signed_in(cast.bert).get(address("channels", cast.bakery)).context["rows"]
    assert row.documents == shown


def test_long_list_has_pages_those_in_trouble_first_and_a_search(cast: Cast, signed_in: SignedIn) -> None:
    for number in range(26):
        make_channel(cast.bakery, name=f"kanaal {number:02}", password="")
    make_channel(cast.bakery, name="stuk", error_code="password_refused")
    client, url = signed_in(cast.bert), address("channels", cast.bakery)

    def shown(**asked: Any) -> list[str]:
        return [row.channel.name for row in client.get(url, asked).context["rows"]]

    assert (shown()[:2], len(shown()), shown(page=2)) == (["stuk", "kanaal 00"], 25, ["kanaal 24", "kanaal 25"])
    assert (shown(q="kanaal 07"), shown(show="attention"), shown(q="niets")) == (["kanaal 07"], ["stuk"], [])
    page = client.get(url, {"q": "niets"}).content.decode()
    assert ("Niets gevonden" in page, "Koppel een postvak" in page) == (True, False)


def test_short_list_has_no_search(cast: Cast, signed_in: SignedIn) -> None:
    make_channel(cast.bakery)
    assert 'role="search"' not in signed_in(cast.bert).get(address("channels", cast.bakery)).content.decode()


def test_basic_administration_is_told_why_not(cast: Cast, signed_in: SignedIn) -> None:
    answer = signed_in(cast.anna).get(address("channels", cast.basic))
    assert answer.status_code == 200
    assert "Kanalen horen bij Premium administraties" in answer.content.decode()


@pytest.mark.parametrize("name", ["channel-new", "channel-new-email"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_basic_administration_makes_no_channels(cast: Cast, signed_in: SignedIn, name: str, method: str) -> None:
    answer = getattr(signed_in(cast.anna), method)(address(name, cast.basic), TYPED)
    assert answer.status_code == 403
    assert "Kanalen horen bij Premium administraties" in answer.content.decode()


def test_basic_administration_fetches_nothing(cast: Cast, signed_in: SignedIn, enqueued: list[FetchRun]) -> None:
    channel = make_channel(cast.basic)
    answer = signed_in(cast.anna).post(address("channel-fetch", cast.basic, channel.pk))
    assert (answer.status_code, enqueued) == (403, [])


# --- Fetching by hand -----------------------------------------------------------------------------------


def test_fetch_makes_a_manual_run_and_goes_back_to_the_row(
    cast: Cast, signed_in: SignedIn, enqueued: list[FetchRun], django_capture_on_commit_callbacks: Any
) -> None:
    channel = make_channel(cast.bakery)
    with django_capture_on_commit_callbacks(execute=True):
        answer = signed_in(cast.bert).post(address("channel-fetch", cast.bakery, channel.pk))
    assert answer.headers["Location"] == f"{address('channels', cast.bakery)}#channel-{channel.pk}"
    assert [(run.channel_id, run.trigger, run.started_by) for run in enqueued] == [(channel.pk, "manual", cast.bert)]


def test_second_fetch_is_the_same_run(
    cast: Cast, signed_in: SignedIn, enqueued: list[FetchRun], django_capture_on_commit_callbacks: Any
) -> None:
    channel = make_channel(cast.bakery)
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            signed_in(cast.bert).post(address("channel-fetch", cast.bakery, channel.pk))
    assert len({run.pk for run in enqueued}) == 1


def test_fetch_of_a_draft_is_refused(cast: Cast, signed_in: SignedIn, enqueued: list[FetchRun]) -> None:
    channel = make_channel(cast.bakery, state="draft")
    answer = signed_in(cast.bert).post(address("channel-fetch", cast.bakery, channel.pk))
    assert said(answer) == ["Activeer facturen@devries.test eerst: voor een concept wordt niets opgehaald."]


def test_broker_that_is_away_does_not_break_the_button(
    cast: Cast, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def away(run: FetchRun) -> None:
        raise ConnectionError

    monkeypatch.setattr(tasks, "enqueue", away)
    channel = make_channel(cast.bakery)
    with django_capture_on_commit_callbacks(execute=True):
        answer = signed_in(cast.bert).post(address("channel-fetch", cast.bakery, channel.pk))
    assert answer.status_code == 302


def test_fetch_that_nobody_takes_up_says_that_nothing_runs(cast: Cast, signed_in: SignedIn, settings: Any) -> None:
    settings.REDIS_URL = ""
    channel = make_channel(cast.bakery)
    long_ago = timezone.now() - timedelta(seconds=6)
    make_run(channel, trigger="manual", state="queued", outcome="", finished_at=None, queued_at=long_ago)
    page = signed_in(cast.bert).get(address("channel-row", cast.bakery, channel.pk)).content.decode()
    assert "Er wordt nu niets opgehaald. Wij zijn ermee bezig; dit ophalen begint daarna vanzelf." in page


def test_row_follows_a_running_fetch(cast: Cast, signed_in: SignedIn) -> None:
    channel = make_channel(cast.bakery)
    make_run(channel, trigger="manual", state="running", outcome="", finished_at=None, total=37, seen=12, delivered=12,
             documents=9)  # fmt: skip
    answer = signed_in(cast.bert).get(address("channel-row", cast.bakery, channel.pk))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Bezig: 12 van 37 e-mails, 9 documenten" in page
    assert '<progress class="progress" max="37" value="12"' in page
    assert 'hx-trigger="load delay:1s"' in page


def test_row_of_a_finished_fetch_stops_asking_and_links_to_the_documents(cast: Cast, signed_in: SignedIn) -> None:
    channel = make_channel(cast.bakery)
    make_run(channel, trigger="manual", seen=4, delivered=4, documents=4)
    answer = signed_in(cast.bert).get(address("channel-row", cast.bakery, channel.pk))
    page = answer.content.decode()
    assert answer.status_code == 286
    assert "hx-trigger" not in page
    assert "4 documenten opgehaald" in page
    assert f'href="{address("documents", cast.bakery)}?channel={channel.pk}"' in page


def test_failed_fetch_by_hand_ends_with_its_sentence(cast: Cast, signed_in: SignedIn) -> None:
    channel = make_channel(cast.bakery)
    make_run(channel, trigger="manual", outcome="failed", error_code="connect_timeout")
    page = signed_in(cast.bert).get(address("channel-row", cast.bakery, channel.pk)).content.decode()
    assert "localhost antwoordt niet op poort 993." in page


@pytest.mark.parametrize(
    ("by_hand", "told"),
    [
        ({"seen": 4, "delivered": 4, "documents": 4}, ["4 documenten opgehaald"]),
        ({}, ["Zojuist gekeken"]),
        ({"outcome": "failed", "error_code": "connect_timeout"}, []),
        ({"outcome": "busy"}, []),
    ],
)
def test_result_stays_in_the_row_when_the_schedule_looks_after_it(
    cast: Cast, signed_in: SignedIn, by_hand: dict[str, Any], told: list[str]
) -> None:
    """Not that it failed or was one too many: since then it works."""
    channel = make_channel(cast.bakery)
    make_run(channel, trigger="manual", **by_hand)
    make_run(channel)
    page = signed_in(cast.bert).get(address("channel-row", cast.bakery, channel.pk)).content.decode()
    results = ("4 documenten opgehaald", "Zojuist gekeken", "antwoordt niet", "Er loopt al")
    assert [one for one in results if one in page] == told


def test_result_leaves_the_row_after_a_while(cast: Cast, signed_in: SignedIn) -> None:
    channel = make_channel(cast.bakery)
    then = timezone.now() - timezone.timedelta(minutes=11)
    make_run(channel, trigger="manual", seen=4, delivered=4, documents=4, finished_at=then)
    page = signed_in(cast.bert).get(address("channels", cast.bakery)).content.decode()
    assert "documenten opgehaald" not in page


# --- Pausing, activating, deleting ----------------------------------------------------------------------


def test_pause_and_activate(cast: Cast, signed_in: SignedIn, checked: list[check.Target]) -> None:
    channel = make_channel(cast.bakery)
    bert = signed_in(cast.bert)
    bert.post(address("channel-pause", cast.bakery, channel.pk))
    assert (fresh(channel).state, fresh(channel).next_fetch_at) == ("inactive", None)
    post(bert, address("channel-activate", cast.bakery, channel.pk))
    assert fresh(channel).state == "active"
    assert [target.secrets for target in checked] == [{"password": "geheim"}]


def test_activate_without_connection_shows_the_form_and_changes_nothing(
    cast: Cast, signed_in: SignedIn, failing: list[check.Target]
) -> None:
    channel = make_channel(cast.bakery, state="inactive")
    answer = post(signed_in(cast.bert), address("channel-activate", cast.bakery, channel.pk))
    assert (answer.status_code, fresh(channel).state) == (200, "inactive")
    assert "Aanmelden mislukt: de server kent deze gebruikersnaam of dit wachtwoord niet." in answer.content.decode()


def test_delete_can_be_undone(cast: Cast, signed_in: SignedIn) -> None:
    channel = make_channel(cast.bakery)
    bert = signed_in(cast.bert)
    answer = bert.post(address("channel-delete", cast.bakery, channel.pk))
    undo = address("channel-undo-delete", cast.bakery, channel.pk)
    assert [message.extra_tags for message in get_messages(answer.wsgi_request)] == [f"undo:{undo}"]
    assert said(answer) == ["facturen@devries.test is verwijderd. De documenten blijven in Uploaden & Inlezen."]
    assert fresh(channel).deleted_at is not None
    bert.post(undo)
    assert fresh(channel).deleted_at is None


def test_every_other_address_of_a_deleted_channel_says_so_on_the_list(cast: Cast, signed_in: SignedIn) -> None:
    channel = make_channel(cast.bakery, deleted_at=timezone.now())
    bert = signed_in(cast.bert)
    for name in ("channel", "channel-edit", "channel-connect", "logbook"):
        page = bert.get(address(name, cast.bakery, channel.pk), follow=True)
        assert page.redirect_chain == [(address("channels", cast.bakery), 302)]
        assert "Het kanaal is intussen verwijderd." in page.content.decode()
    assert bert.post(address("channel-pause", cast.bakery, channel.pk)).url == address("channels", cast.bakery)
    row = bert.get(address("channel-row", cast.bakery, channel.pk), headers={"HX-Request": "true"})
    assert row.status_code == 404  # its script says it in the row


def test_channel_of_another_administration_is_404(cast: Cast, signed_in: SignedIn) -> None:
    channel = make_channel(cast.foreign)
    assert signed_in(cast.bert).get(address("channel-edit", cast.bakery, channel.pk)).status_code == 404


# --- The form -------------------------------------------------------------------------------------------


def test_first_step_leads_to_the_second(cast: Cast, signed_in: SignedIn) -> None:
    answer = signed_in(cast.bert).post(address("channel-new", cast.bakery), {"kind": "email"})
    assert answer.headers["Location"] == address("channel-new-email", cast.bakery)


def test_save_checks_and_activates(cast: Cast, signed_in: SignedIn, checked: list[check.Target]) -> None:
    answer = post(signed_in(cast.bert), address("channel-new-email", cast.bakery), TYPED | {"action": "save"})
    channel = only_channel(cast.bakery)
    assert answer.headers["Location"] == address("channels", cast.bakery)
    assert (channel.state, channel.created_by, password_of(channel)) == ("active", cast.bert, {"password": "geheim"})
    assert [(target.host, target.port, target.secrets) for target in checked] == [
        ("mail.devries.test", 993, {"password": "geheim"})
    ]


def test_save_by_script_is_told_where_to_go(cast: Cast, signed_in: SignedIn, checked: list[check.Target]) -> None:
    bert = signed_in(cast.bert)
    answer = post(bert, address("channel-new-email", cast.bakery), TYPED, headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == address("channels", cast.bakery)


def test_save_that_does_not_connect_keeps_everything_as_a_draft(
    cast: Cast, signed_in: SignedIn, failing: list[check.Target]
) -> None:
    bert, typed = signed_in(cast.bert), TYPED | {"action": "save"}
    answer = post(bert, address("channel-new-email", cast.bakery), typed, headers={"HX-Request": "true"})
    channel, page = only_channel(cast.bakery), answer.content.decode()
    assert (answer.status_code, channel.state, password_of(channel)) == (200, "draft", {"password": "geheim"})
    assert answer.headers["HX-Replace-Url"] == address("channel-edit", cast.bakery, channel.pk)
    assert f'action="{address("channel-edit", cast.bakery, channel.pk)}"' in page
    assert 'value="mail.devries.test"' in page
    assert "geheim" not in page
    assert "ingesteld <time" in page
    assert "Opslaan als concept" in page


def test_draft_keeps_why_its_check_failed_until_one_succeeds(
    cast: Cast, signed_in: SignedIn, failing: list[check.Target]
) -> None:
    client = signed_in(cast.bert)
    post(client, address("channel-new-email", cast.bakery), TYPED | {"action": "save"})
    channel = only_channel(cast.bakery)
    for page in (address("channels", cast.bakery), address("channel-edit", cast.bakery, channel.pk)):
        assert "Aanmelden mislukt: de server kent deze gebruikersnaam of dit wachtwoord niet." in read(client, page)


def test_draft_whose_check_succeeds_says_nothing_of_the_one_before(
    cast: Cast, signed_in: SignedIn, checked: list[check.Target]
) -> None:
    client = signed_in(cast.bert)
    channel = make_channel(cast.bakery, **STORED, port=993, state="draft", error_code="password_refused")
    post(client, address("channel-edit", cast.bakery, channel.pk), TYPED | {"action": "check", "password": ""})
    assert only_channel(cast.bakery).error_code == ""


def test_check_of_what_is_not_saved_says_nothing_of_the_draft(
    cast: Cast, signed_in: SignedIn, checked: list[check.Target]
) -> None:
    client = signed_in(cast.bert)
    channel = make_channel(cast.bakery, **STORED, port=993, state="draft", error_code="password_refused")
    post(client, address("channel-edit", cast.bakery, channel.pk), TYPED | {"action": "check"})
    assert (only_channel(cast.bakery).error_code, len(checked)) == ("password_refused", 1)


def read(client: Client, page: str) -> str:
    return client.get(page).content.decode()


def test_check_on_demand_stores_nothing(cast: Cast, signed_in: SignedIn, checked: list[check.Target]) -> None:
    answer = post(signed_in(cast.bert), address("channel-new-email", cast.bakery), TYPED | {"action": "check"})
    with administration_scope(cast.bakery.pk):
        assert (answer.status_code, len(checked), Channel.objects.count()) == (200, 1, 0)
    assert "De verbinding werkt" in answer.content.decode()


def test_save_without_tick_is_a_draft_and_needs_no_connection(
    cast: Cast, signed_in: SignedIn, failing: list[check.Target]
) -> None:
    typed = {name: value for name, value in TYPED.items() if name != "active"}
    signed_in(cast.bert).post(address("channel-new-email", cast.bakery), typed)
    assert (only_channel(cast.bakery).state, failing) == ("draft", [])


def test_invalid_form_says_so_and_keeps_what_was_typed(cast: Cast, signed_in: SignedIn) -> None:
    answer = signed_in(cast.bert).post(address("channel-new-email", cast.bakery), TYPED | {"port": "70000"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'class="error-summary"' in page
    assert 'href="#id_port"' in page
    assert 'value="mail.devries.test"' in page
    assert "geheim" not in page


def test_active_channel_keeps_its_old_server_while_the_new_one_fails(
    cast: Cast, signed_in: SignedIn, failing: list[check.Target]
) -> None:
    channel = make_channel(cast.bakery)
    typed = TYPED | {"password": "nieuw", "action": "save"}
    answer = post(signed_in(cast.bert), address("channel-edit", cast.bakery, channel.pk), typed)
    assert (answer.status_code, fresh(channel).host, fresh(channel).state) == (200, "localhost", "active")
    assert password_of(channel) == {"password": "geheim"}


def test_keep_saves_the_failing_settings_and_pauses(
    cast: Cast, signed_in: SignedIn, failing: list[check.Target]
) -> None:
    channel = make_channel(cast.bakery)
    signed_in(cast.bert).post(
        address("channel-edit", cast.bakery, channel.pk), TYPED | {"password": "nieuw", "action": "keep"}
    )
    assert (fresh(channel).host, fresh(channel).state, failing) == ("mail.devries.test", "inactive", [])
    assert password_of(channel) == {"password": "nieuw"}


def test_new_name_of_a_working_channel_needs_no_connection(
    cast: Cast, signed_in: SignedIn, failing: list[check.Target]
) -> None:
    channel = make_channel(cast.bakery)
    same = {
        "name": "Nieuwe naam", "active": "on", "protocol": "imap", "auth": "password", "host": "localhost",
        "port": "993", "security": "tls", "username": "facturen@devries.test", "folder": "INBOX",
    }  # fmt: skip
    signed_in(cast.bert).post(address("channel-edit", cast.bakery, channel.pk), same)
    assert (fresh(channel).name, fresh(channel).state, failing) == ("Nieuwe naam", "active", [])


def test_check_that_passed_ends_the_error_of_an_active_channel(
    cast: Cast, signed_in: SignedIn, checked: list[check.Target]
) -> None:
    channel = make_channel(cast.bakery, error_code="password_refused", failures=2)
    same = {"host": "localhost", "password": "nieuw"}
    post(signed_in(cast.bert), address("channel-edit", cast.bakery, channel.pk), TYPED | same)
    after = fresh(channel)
    assert (len(checked), after.state, after.error_code, after.failures) == (1, "active", "", 0)


def test_edit_shows_since_when_the_password_is_set_and_never_the_password(cast: Cast, signed_in: SignedIn) -> None:
    channel = make_channel(cast.bakery)
    page = signed_in(cast.bert).get(address("channel-edit", cast.bakery, channel.pk)).content.decode()
    assert "ingesteld <time" in page
    assert "vervangen" in page
    assert "geheim" not in page


def test_standing_error_is_explained_on_the_form(cast: Cast, signed_in: SignedIn) -> None:
    channel = make_channel(cast.bakery, error_code="password_refused")
    answer = signed_in(cast.bert).get(address("channel-edit", cast.bakery, channel.pk))
    assert answer.context["open_tab"] == "settings"
    assert "Aanmelden mislukt" in answer.content.decode()


def test_missing_key_is_a_step_that_failed(cast: Cast, signed_in: SignedIn, settings: Any) -> None:
    channel = make_channel(cast.bakery, state="inactive")
    settings.CREDENTIAL_KEYS = ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]
    answer = post(signed_in(cast.bert), address("channel-activate", cast.bakery, channel.pk))
    assert answer.status_code == 200
    assert "Het portaal kan het bewaarde wachtwoord niet openen." in answer.content.decode()


@pytest.mark.parametrize(
    ("language", "labels"),
    [
        (
            "nl",
            "Naam, Actief, Protocol, Authenticatie type, Map-id (tenant-id), Client id, Client secret, "
            "Certificaat (in plaats van client secret), Einddatum van het client secret, "
            "Gebruikersnaam, Meldt zich aan als, Zonder persoon (app-only), "
            "Wachtwoord, Hostnaam, Poort, Beveiliging, Map, Na het ophalen, Map of label, Sinds",
        ),
        (
            "en",
            "Name, Active, Protocol, Authentication type, Directory (tenant) ID, Client id, Client secret, "
            "Certificate (instead of client secret), End date of the client secret, "
            "Username, Signs in as, Without a person (app-only), Password, Hostname, "
            "Port, Security, Folder, After retrieving, Folder or label, Since",
        ),
    ],
)  # fmt: skip
def test_labels_are_the_words_of_the_glossary(cast: Cast, signed_in: SignedIn, language: str, labels: str) -> None:
    User.objects.filter(pk=cast.anna.pk).update(language=language)
    page = signed_in(cast.anna).get(address("channel-new-email", cast.bakery)).content.decode()
    form = page.partition('id="channel-form"')[2]
    assert ", ".join(re.findall(r'<label for="id_\w+">([^<:]+)', form)) == labels


# --- All channels ---------------------------------------------------------------------------------------


def test_office_sees_all_its_channels_those_in_trouble_first(cast: Cast, signed_in: SignedIn) -> None:
    make_channel(cast.bakery, name="goed")
    make_channel(cast.basic, name="stuk", error_code="password_refused")
    make_channel(cast.foreign, name="vreemd")
    answer = signed_in(cast.anna).get(reverse("environment-channels", args=[cast.office.pk]))
    assert [row.channel.name for row in answer.context["rows"]] == ["stuk", "goed"]
    assert answer.context["counts"] == {"attention": 1, "silent": 0, "fine": 1, "rest": 0}


def test_office_looks_for_a_channel_by_what_is_typed_and_by_how_it_stands(cast: Cast, signed_in: SignedIn) -> None:
    make_channel(cast.bakery, name="goed", username="info@devries.test")
    make_channel(cast.bakery, name="stuk", error_code="password_refused")
    client, url = signed_in(cast.anna), reverse("environment-channels", args=[cast.office.pk])

    def found(**asked: str) -> list[str]:
        return [row.channel.name for row in client.get(url, asked).context["rows"]]

    assert found(q="info") == ["goed"]
    assert found(q="vries bakkerij", show="attention") == ["stuk"]
    assert found(q="niets") == []
    assert "Niets gevonden" in client.get(url, {"q": "niets"}).content.decode()


def test_office_shows_fifty_channels_a_page(cast: Cast, signed_in: SignedIn) -> None:
    for number in range(53):
        make_channel(cast.bakery, name=f"kanaal {number:02}", password="")
    client, url = signed_in(cast.anna), reverse("environment-channels", args=[cast.office.pk])
    first, second = (client.get(url, {"page": page}) for page in (1, 2))
    assert [len(answer.context["rows"]) for answer in (first, second)] == [50, 3]
    assert "1–50 van 53" in first.content.decode()


def test_office_page_does_not_follow_a_fetch_and_offers_to_refresh(cast: Cast, signed_in: SignedIn) -> None:
    make_run(make_channel(cast.bakery), state="queued", outcome="", started_at=None, finished_at=None)
    page = signed_in(cast.anna).get(reverse("environment-channels", args=[cast.office.pk])).content.decode()
    assert "Vernieuw om te zien hoe ver het is" in page
    assert "<noscript>" not in page


def test_office_page_costs_the_same_with_three_channels_as_with_one(cast: Cast, signed_in: SignedIn) -> None:
    client, url = signed_in(cast.anna), reverse("environment-channels", args=[cast.office.pk])
    make_run(make_channel(cast.bakery, name="1"))
    client.get(url)
    one = queries_of(client, url)
    for name in ("2", "3"):
        make_run(make_channel(cast.bakery, name=name))
    assert queries_of(client, url) == one


def test_services_refuse_what_the_form_refuses(cast: Cast) -> None:
    with administration_scope(cast.basic.pk), pytest.raises(services.NotPremium):
        services.create_channel(cast.basic, password="x", activate=True, by=cast.anna, name="n", host="h", port=1)
