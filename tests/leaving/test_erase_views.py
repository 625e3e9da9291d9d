"""The pages of erasing: first what goes, then the name is typed; refused with a sentence; and how far it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations.models import Administration, Environment, User
from leaving import retention, tasks
from leaving.models import Erasure
from tests.cast import Cast
from tests.leaving.everything import age, browse, upload

pytestmark = pytest.mark.thorough

SignIn = Callable[[User], Client]


@pytest.fixture(autouse=True)
def folder_of_its_own(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture(autouse=True)
def worker(monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any) -> None:
    monkeypatch.setattr(tasks.erase, "apply_async", lambda ids, **options: tasks.erase(*ids))


def posted(browser: Client, capture: Any, address: str, **data: str) -> Any:
    with capture(execute=True):
        return browser.post(address, data)


def words(answer: Any) -> str:
    return answer.content.decode()


@pytest.mark.proof
def test_administration_is_erased_in_two_steps(
    cast: Cast, signed_in: SignIn, django_capture_on_commit_callbacks: Any
) -> None:
    upload(cast.bakery, cast.bert, "bon")
    anna, address = signed_in(cast.anna), reverse("erase-administration", args=[cast.office.pk, cast.bakery.pk])
    first = words(anna.get(address))
    until = f"31 december {timezone.localdate().year + 7}"
    for said in ("Bakkerij De Vries wissen?", until, reverse("export", args=[cast.bakery.pk]), 'href="?confirm"'):
        assert said in first
    assert "<form" not in first.partition("<main")[2]
    assert "Typ Bakkerij De Vries" in words(anna.get(f"{address}?confirm"))
    refused = anna.post(address, {"typed": "Bakkerij", "keeps_export": "on"})
    assert (refused.status_code, "Dit is een andere naam." in words(refused)) == (422, True)
    assert anna.post(address, {"typed": "Bakkerij De Vries"}).status_code == 422
    assert Administration.objects.filter(pk=cast.bakery.pk, erasing_since=None).exists()
    data = {"typed": " bakkerij de vries ", "keeps_export": "on"}
    answer = posted(anna, django_capture_on_commit_callbacks, address, **data)
    assert not Administration.objects.filter(pk=cast.bakery.pk).exists()
    followed = words(anna.get(answer["Location"]))
    assert "Administratie <time" in followed
    assert "Bestanden gewist" in followed
    assert "Documenten: 1" in words(anna.get(reverse("erasures", args=[cast.office.pk])))
    activity = words(anna.get(reverse("environment-activity", args=[cast.office.pk])))
    for said in ("Vroeg om iets te wissen", "Wiste de bestanden", "Klaar met wissen", "Documenten: 1"):
        assert said in activity
    assert "Bakkerij" not in activity


def test_hold_refuses_with_a_sentence(cast: Cast, signed_in: SignIn) -> None:
    bert, page = signed_in(cast.bert), reverse("retention", args=[cast.bakery.pk])
    assert bert.post(page, {"action": "hold", "because": ""}).status_code == 422
    assert bert.post(page, {"action": "hold", "because": "Rechtszaak"}).status_code == 302
    assert "Rechtszaak" in words(bert.get(page))
    anna, address = signed_in(cast.anna), reverse("erase-administration", args=[cast.office.pk, cast.bakery.pk])
    shown = words(anna.get(f"{address}?confirm"))
    assert "Er staat een bewaarplicht op" in shown
    assert 'href="?confirm"' not in shown
    refused = anna.post(address, {"typed": "Bakkerij De Vries", "keeps_export": "on"})
    assert (refused.status_code, Erasure.objects.count()) == (422, 0)
    assert bert.post(page, {"action": "lift"}).status_code == 302
    assert 'href="?confirm"' in words(anna.get(address))


def test_term_is_made_longer_and_never_shorter_than_the_portals(cast: Cast, signed_in: SignIn) -> None:
    bert, page = signed_in(cast.bert), reverse("retention", args=[cast.bakery.pk])
    for years, status in (("6", 422), ("100", 422), ("nonsense", 422), ("10", 302)):
        assert bert.post(page, {"action": "years", "years": years}).status_code == status
    cast.bakery.refresh_from_db()
    assert cast.bakery.kept_years == 10
    assert 'value="10"' in words(bert.get(page))


def test_documents_whose_term_is_over_are_proposed_and_confirmed(
    cast: Cast, signed_in: SignIn, django_capture_on_commit_callbacks: Any
) -> None:
    old = upload(cast.bakery, cast.bert, "oud")
    age(old, 9)
    bert, page = signed_in(cast.bert), reverse("retention", args=[cast.bakery.pk])
    year = (timezone.localdate().year - 9, timezone.localdate().year - 10)
    assert any(f'<th scope="row">{one}</th><td class="num">1</td>' in words(bert.get(page)) for one in year)
    address = reverse("erase-documents", args=[cast.bakery.pk])
    posted(bert, django_capture_on_commit_callbacks, address, typed="Bakkerij De Vries")
    assert Erasure.objects.get().state == Erasure.State.DONE
    assert "Die zijn er niet." in words(bert.get(page))
    assert "Van geen enkel document is de bewaartermijn voorbij." in words(bert.get(address))


def test_person_erases_their_own_account_and_is_signed_out(cast: Cast, django_capture_on_commit_callbacks: Any) -> None:
    gerda, address = browse(cast.gerda), reverse("erase-myself")
    answer = posted(gerda, django_capture_on_commit_callbacks, address, typed="gerda@devries.test")
    assert "Je account wordt gewist." in words(answer)
    assert not User.objects.filter(email="gerda@devries.test").exists()
    assert gerda.get(reverse("my-settings")).status_code == 302


def test_last_administrator_stays(cast: Cast, signed_in: SignIn) -> None:
    anna = signed_in(cast.anna)
    for address in (reverse("erase-myself"), reverse("erase-person", args=[cast.office.pk, cast.anna.pk])):
        assert "Een omgeving houdt minstens één beheerder." in words(anna.get(address))
        assert anna.post(address, {"typed": "anna@jansen.test"}).status_code == 422
    assert User.objects.get(pk=cast.anna.pk).is_active


@pytest.mark.proof
def test_environment_goes_with_who_asked(
    cast: Cast, signed_in: SignIn, django_capture_on_commit_callbacks: Any
) -> None:
    anna, address = signed_in(cast.anna), reverse("erase-environment", args=[cast.office.pk])
    posted(anna, django_capture_on_commit_callbacks, address, typed="Kantoor Jansen")
    assert list(Environment.objects.values_list("name", flat=True)) == ["Kantoor Vreemd"]
    assert list(User.objects.values_list("email", flat=True)) == ["charlie@vreemd.test"]
    assert anna.get("/").status_code == 200  # as anybody


def test_nobody_follows_what_another_asked_for(cast: Cast, signed_in: SignIn) -> None:
    erasure = Erasure.objects.create(kind=Erasure.Kind.ENVIRONMENT, asked_by=cast.charlie)
    assert signed_in(cast.anna).get(reverse("erasure", args=[erasure.pk])).status_code == 404


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = 0
    try:
        call_command("erase", *arguments)
    except SystemExit as ended:
        code = int(str(ended.code))
    return code, json.loads(capsys.readouterr().out)


def test_operator_erases_in_the_foreground(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    upload(cast.bakery, cast.bert, "bon")
    which = ("administration", str(cast.bakery.pk))
    code, line = said(capsys, *which, "--dry-run")
    assert (code, line["documents"], line["refused"], line["kept_until"][5:]) == (0, 1, "", "12-31")
    assert said(capsys, *which)[1]["error"]["code"] == "term"
    retention.hold(cast.bakery, "Controle", None)
    assert said(capsys, *which, "--keeps-export")[1]["error"]["code"] == "held"
    retention.lift(cast.bakery, None)
    code, line = said(capsys, *which, "--keeps-export")
    assert (code, line["state"], line["documents"]) == (0, "done", 1)
    assert said(capsys, *which)[1]["error"]["code"] == "not_found"
    assert said(capsys, "person", "GERDA@devries.test")[1]["state"] == "done"
    with pytest.raises(CommandError):
        call_command("erase", "environment", "Kantoor Jansen")
