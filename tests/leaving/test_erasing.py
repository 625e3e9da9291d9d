"""What is erased leaves no row, no file and no secret, whenever its worker is killed; and nothing else is touched."""

from __future__ import annotations

import itertools
import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import connections
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from administrations.audit_entry import AuditEntry
from administrations.audit_words import who
from administrations.models import Administration, AdministrationAccess, Role, User
from channels import wanted
from channels.fetching import schedule
from channels.links import providers
from channels.models import Channel, FetchRun
from documents import moving, storage
from documents.models import Document
from leaving import bundles, erasing, plans, steps, tasks
from leaving.fence import DEAD_AFTER, Worker
from leaving.models import Erasure
from tests.cast import Cast, make_cast
from tests.channels.provider import TOKENS, SaidProvider
from tests.leaving.everything import browse, files_with, furnish, ids, rows_with, upload
from tests.trail import told
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.thorough

OURS, THEIRS = "kanarie", "buurman"


@pytest.fixture(autouse=True)
def folder_of_its_own(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture(autouse=True)
def said_provider(monkeypatch: pytest.MonkeyPatch) -> SaidProvider:
    provider = SaidProvider()
    monkeypatch.setattr(providers, "method_of", lambda channel: provider)
    return provider


def ask(plan: plans.Plan, by: User | None) -> Erasure:
    with every_administration():
        return erasing.ask(plan, by, keeps_export=True)


def erased(plan: plans.Plan, by: User | None) -> Erasure:
    erasure = ask(plan, by)
    erasing.perform(erasure.pk)
    erasure.refresh_from_db()
    return erasure


def named(administration: Administration) -> tuple[str, ...]:
    return (*ids(administration), administration.name, OURS)


def test_administration_leaves_nothing_and_its_neighbour_everything(cast: Cast, said_provider: SaidProvider) -> None:
    furnish(cast.bakery, cast.bert, OURS)
    furnish(cast.foreign, cast.charlie, THEIRS)
    needles, others = named(cast.bakery), (*ids(cast.foreign), THEIRS)
    with administration_scope(cast.bakery.pk):
        empty = [model.__name__ for model, owner in steps.tables() if not steps.rows_of(model, owner, cast.bakery.pk)]
    assert empty == []  # a new table: furnish() makes a row of it too
    assert files_with(*needles)
    before = rows_with(*others), files_with(*others)
    erasure = erased(plans.of_administration(cast.bakery), cast.anna)
    assert (erasure.state, erasure.problem) == (Erasure.State.DONE, "")
    assert (rows_with(*needles), files_with(*needles)) == ({}, {})
    assert (rows_with(*others), files_with(*others)) == before
    assert said_provider.revoked == [TOKENS.refresh_token] * 2
    assert User.objects.filter(pk=cast.bert.pk).exists()


def test_a_document_that_moved_away_stays_and_forgets_where_it_came_from(cast: Cast) -> None:
    document = upload(cast.bakery, cast.anna, THEIRS)
    with administration_scope(cast.bakery.pk):
        moving.move([document], cast.bakery, cast.basic, cast.anna)
    erased(plans.of_administration(cast.bakery), cast.anna)
    with administration_scope(cast.basic.pk):
        (kept,) = Document.objects.all()
        with storage.open_blob(cast.basic.pk, kept.sha256) as blob:
            assert blob.read() == f"%PDF {THEIRS}".encode()
    assert rows_with(*ids(cast.bakery), cast.bakery.name) == {}


def killed(erasure: Erasure, bundles_done: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Worked at by a process that dies as by kill -9 after so many bundles. False when it came to its end."""
    connections.close_all()  # a connection shared with a child would be closed by its death
    child = os.fork()
    if child == 0:
        left = itertools.chain([False] * bundles_done, itertools.repeat(True))
        monkeypatch.setattr(Worker, "alive", lambda worker: next(left) and os.kill(os.getpid(), signal.SIGKILL))
        erasing.perform(erasure.pk)
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or status == 0
    return os.WIFSIGNALED(status)


@pytest.mark.proof
def test_killed_at_any_bundle_it_goes_on(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each worker dies one bundle later than the one before."""
    cast = make_cast()
    monkeypatch.setattr(bundles, "AT_ONCE", 1)
    monkeypatch.setattr(tasks.erase, "apply_async", lambda *args, **options: None)
    furnish(cast.bakery, cast.bert, OURS)
    needles = named(cast.bakery)
    erasure = ask(plans.of_administration(cast.bakery), cast.anna)
    workers = 0
    while killed(erasure, workers, monkeypatch):
        workers += 1
        Erasure.objects.update(alive_at=timezone.now() - DEAD_AFTER - timedelta(seconds=1))
        tasks.look_after()
    assert workers > 5
    assert (rows_with(*needles), files_with(*needles)) == ({}, {})
    assert [code for _, code, _ in told(cast.office) if code.startswith("erasure")] == [
        "erasure.asked", "erasure.links", "erasure.rows", "erasure.administration", "erasure.files", "erasure.done",
    ]  # fmt: skip


def test_two_messages_and_two_workers_are_harmless(cast: Cast) -> None:
    plan = plans.of_administration(cast.bakery)
    erasure = ask(plan, cast.anna)
    assert ask(plan, cast.anna) == erasure
    for _ in range(2):
        erasing.perform(erasure.pk)
    erasure.refresh_from_db()
    assert (erasure.attempts, erasure.state) == (1, Erasure.State.DONE)


@pytest.mark.proof
def test_storage_that_fails_is_tried_again_and_shown(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    furnish(cast.bakery, cast.bert, OURS)
    with monkeypatch.context() as patch:
        patch.setattr(storage, "erase", _away)
        erasure = erased(plans.of_administration(cast.bakery), cast.anna)
    assert (erasure.state, erasure.problem) == (Erasure.State.WORKING, "StorageProblem")
    monkeypatch.setattr(tasks.erase, "apply_async", lambda ids, **options: tasks.erase(*ids))
    Erasure.objects.update(alive_at=timezone.now() - DEAD_AFTER - timedelta(seconds=1))
    tasks.look_after()
    erasure.refresh_from_db()
    assert (erasure.state, erasure.problem, files_with(OURS)) == (Erasure.State.DONE, "", {})


def _away(*args: object) -> None:
    raise storage.StorageProblem("storage_failed")


@pytest.mark.proof
def test_what_is_to_be_erased_closes_at_once(cast: Cast) -> None:
    furnish(cast.bakery, cast.bert, OURS)
    anna, bert = browse(cast.anna), browse(cast.bert)
    ask(plans.of_administration(cast.bakery), cast.anna)
    page = reverse("documents", args=[cast.bakery.pk])
    assert [browser.get(page).status_code for browser in (anna, bert)] == [404, 302]
    with administration_scope(cast.bakery.pk):
        channels = Channel.objects.all()
        assert [one for one in channels if one.deleted_at is None or one.next_fetch_at or not one.fence] == []
    with every_administration():
        assert schedule.claim_due() == []


@pytest.mark.proof
def test_environment_goes_with_its_people_but_those_of_another(cast: Cast, said_provider: SaidProvider) -> None:
    furnish(cast.bakery, cast.bert, OURS)
    furnish(cast.foreign, cast.charlie, THEIRS)
    AdministrationAccess.objects.create(administration=cast.foreign, user=cast.gerda, role=Role.USER)
    for one in (cast.anna, cast.bert):
        browse(one)
    needles = (*named(cast.bakery), str(cast.office.pk), cast.office.pk.hex, cast.office.name, cast.basic.name,
               cast.anna.email, cast.anna.name, cast.bert.email, cast.bert.name)  # fmt: skip
    others = (*ids(cast.foreign), THEIRS, cast.gerda.email)
    before = rows_with(*others), files_with(*others)
    assert erased(plans.of_environment(cast.office), cast.anna).state == Erasure.State.DONE
    assert (rows_with(*needles), files_with(*needles)) == ({}, {})
    kept = {table: rows for table, rows in rows_with(*others).items() if table != "administrations_user"}
    assert kept == {table: rows for table, rows in before[0].items() if table != "administrations_user"}
    assert files_with(*others) == before[1]
    assert sorted(User.objects.values_list("email", flat=True)) == [cast.charlie.email, cast.gerda.email]


def test_administration_that_an_operator_makes_meanwhile_goes_too(cast: Cast) -> None:
    erasure = ask(plans.of_environment(cast.office), cast.anna)
    late = Administration.objects.create(environment=cast.office, name="Net gemaakt")
    furnish(late, cast.bert, OURS)
    erasing.perform(erasure.pk)
    assert (rows_with(*named(late)), files_with(*named(late))) == ({}, {})


@pytest.mark.proof
def test_person_leaves_a_removed_user_behind(cast: Cast) -> None:
    furnish(cast.bakery, cast.bert, OURS)
    bert = browse(cast.bert)
    Authenticator.objects.create(user=cast.bert, type=Authenticator.Type.TOTP, data={"secret": "x"})
    with administration_scope(cast.bakery.pk):
        started = wanted.request_fetch(Channel.objects.first(), cast.bert)
    bert.post(f"/administrations/{cast.bakery.pk}/settings", {"name": "Bakkerij"})
    needles = (cast.bert.email, cast.bert.name, str(cast.bert.pk), cast.bert.pk.hex)
    assert len(rows_with(*needles)) > 10
    assert erased(plans.of_person(cast.bert, cast.office), cast.anna).state == Erasure.State.DONE
    assert rows_with(*needles) == {}
    assert bert.get("/settings").status_code == 302
    with administration_scope(cast.bakery.pk):
        assert Document.objects.get(kind="upload").uploaded_by is None
        assert FetchRun.objects.get(pk=started.pk).started_by is None
        lines = AuditEntry.objects.filter(code="administration.changed", actor=AuditEntry.Actor.PERSON)
        with override("nl"):
            assert {who(line) for line in lines} == {"een verwijderde gebruiker"}
    assert ("Anna Jansen", "role.removed", "") in told(cast.office)


def test_nobody_erases_the_last_administrator_or_somebody_of_another_office(cast: Cast) -> None:
    AdministrationAccess.objects.create(administration=cast.foreign, user=cast.gerda, role=Role.USER)
    for plan, code in (
        (plans.of_person(cast.anna), "last_administrator"),
        (plans.of_person(cast.gerda, cast.office), "elsewhere_too"),
    ):
        with pytest.raises(erasing.Refused) as refused:
            ask(plan, cast.anna)
        assert refused.value.code == code
    assert erased(plans.of_person(cast.gerda), cast.gerda).state == Erasure.State.DONE
    assert not User.objects.filter(email="gerda@devries.test").exists()


def test_done_long_ago_is_forgotten(cast: Cast, settings: Any) -> None:
    erased(plans.of_administration(cast.bakery), cast.anna)
    Erasure.objects.update(done_at=timezone.now() - timedelta(days=settings.AUDIT_KEPT_DAYS + 1))
    tasks.look_after()
    assert not Erasure.objects.exists()
