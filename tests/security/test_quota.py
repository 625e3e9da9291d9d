"""Nobody fills everybody's disk: what an administration may keep, and how much a person uploads in an hour."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections, transaction
from django.test import Client
from django.urls import reverse

from administrations.models import Administration, User
from channels import tasks
from channels.fetching import room
from documents import quota, services
from documents.models import Document, StorageUse
from notifications.models import Notification, OperatorAlert
from tests.cast import Cast
from tests.channels.linked import fetch_now, invoice, link
from tests.documents.files import pdf
from tests.servers.plugin import MailboxUser
from zenvoices.lib.scoping import administration_scope, every_administration

SignIn = Callable[[User], Client]
LANGUAGES = ("nl", "en")
FULL = {
    "nl": "De opslag van deze administratie is vol (1 GB). Verwijder documenten die je niet meer nodig hebt.",
    "en": "The storage of this administration is full (1 GB). Delete documents that you no longer need.",
}
OFTEN = {
    "nl": "Je hebt dit uur heel veel bestanden geüpload. Wacht een uur en upload dit bestand opnieuw.",
    "en": "You uploaded very many files in this hour. Wait an hour and upload this file again.",
}


def upload(client: Client, place: Administration, *names: str, **headers: str) -> Any:
    files = [SimpleUploadedFile(name, pdf(name), "application/pdf") for name in names]
    return client.post(reverse("document-upload", args=[place.pk]), {"files": files}, headers=headers)


def fill(place: Administration, gigabytes: float) -> None:
    with administration_scope(place.pk):
        quota.grew(place.pk, int(gigabytes * quota.GB) - quota.used(place.pk))


def in_use(place: Administration) -> tuple[int, int]:
    """As it is kept, and as all rows say."""
    with administration_scope(place.pk):
        return quota.used(place.pk), quota.count_anew(place.pk)


@pytest.mark.parametrize("language", LANGUAGES)
def test_upload_into_a_full_administration_is_refused_with_a_sentence(
    language: str, cast: Cast, signed_in: SignIn, settings: Any
) -> None:
    settings.STORAGE_QUOTA_GB = 1
    User.objects.filter(pk=cast.arie.pk).update(language=language)
    fill(cast.bakery, 1)
    arie = signed_in(cast.arie)
    page, answer = upload(arie, cast.bakery, "a.pdf"), upload(arie, cast.bakery, "a.pdf", Accept="application/json")
    assert page.context["refused"] == [("a.pdf", FULL[language])]
    assert (answer.status_code, [one["text"] for one in answer.json()["results"]]) == (422, [FULL[language]])
    with administration_scope(cast.bakery.pk):
        assert not Document.objects.exists()


def test_quota_is_of_one_administration(cast: Cast, signed_in: SignIn, settings: Any) -> None:
    settings.STORAGE_QUOTA_GB = 1
    fill(cast.bakery, 1)
    assert upload(signed_in(cast.anna), cast.basic, "a.pdf").status_code == 302


@pytest.mark.parametrize("language", LANGUAGES)
def test_uploads_of_a_person_have_a_limit_each_hour(
    language: str, cast: Cast, signed_in: SignIn, settings: Any
) -> None:
    settings.UPLOADS_PER_HOUR = 2
    cache.clear()
    User.objects.filter(pk=cast.arie.pk).update(language=language)
    page = upload(signed_in(cast.arie), cast.bakery, "a.pdf", "b.pdf", "c.pdf")
    assert page.context["refused"] == [("c.pdf", OFTEN[language])]
    assert upload(signed_in(cast.gerda), cast.bakery, "d.pdf").status_code == 302


def test_sum_follows_what_comes_and_goes(cast: Cast, signed_in: SignIn) -> None:
    upload(signed_in(cast.arie), cast.bakery, "a.pdf", "b.pdf")
    both = in_use(cast.bakery)
    with administration_scope(cast.bakery.pk):
        moment = services.delete_documents(Document.objects.filter(filename="a.pdf"), cast.gerda)
        services.delete_documents(Document.objects.filter(filename="a.pdf"), cast.gerda)  # deleted already
    one = in_use(cast.bakery)
    with administration_scope(cast.bakery.pk):
        services.restore_documents(moment, cast.gerda)
        services.bring_back(Document.objects.get(filename="a.pdf"))  # is there
    assert one == (len(pdf("b.pdf")), len(pdf("b.pdf")))
    assert both == in_use(cast.bakery) == (len(pdf("a.pdf") + pdf("b.pdf")),) * 2


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's transactions exclude each other")
@pytest.mark.django_db(transaction=True)
def test_document_that_two_bring_back_at_once_is_counted_once(cast: Cast, signed_in: SignIn) -> None:
    upload(signed_in(cast.gerda), cast.bakery, "a.pdf")
    with administration_scope(cast.bakery.pk):
        services.delete_documents(Document.objects.all(), cast.gerda)
        document = Document.objects.get()

    def bring_back() -> None:
        try:
            with administration_scope(cast.bakery.pk):
                services.bring_back(document)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as apart:
        with administration_scope(cast.bakery.pk), transaction.atomic():
            services.bring_back(document)
            second = apart.submit(bring_back)
            wait_until_somebody_waits_for_a_lock()
        second.result(30)
    used, counted = in_use(cast.bakery)
    assert used == counted > 0


def wait_until_somebody_waits_for_a_lock() -> None:
    with connection.cursor() as cursor:
        for _ in range(1000):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)
    raise AssertionError("nobody waits")


@pytest.fixture
def box(settings: Any, mailbox_user: MailboxUser) -> MailboxUser:
    settings.OUTBOUND_CA_FILE = str(mailbox_user.certificates.ca_file)
    settings.STORAGE_QUOTA_GB = 1
    return mailbox_user


def test_mail_of_a_full_administration_waits_unread_is_told_as_ours_and_comes_once_there_is_room(
    cast: Cast, box: MailboxUser
) -> None:
    box.deliver(invoice(1))
    fill(cast.bakery, 1)
    with administration_scope(cast.bakery.pk):
        channel = link(cast.bakery, box)
        runs = [fetch_now(channel, "schedule") for _ in range(6)]
        channel.refresh_from_db()
    assert {(run.outcome, run.error_code, run.delivered) for run in runs} == {("failed", "storage_quota", 0)}
    assert (box.unread(), channel.state, channel.failures) == (1, "active", 0)
    assert list(OperatorAlert.objects.values_list("code", flat=True)) == ["storage_quota"]
    fill(cast.bakery, 0)
    with administration_scope(cast.bakery.pk):
        assert (fetch_now(channel).delivered, box.unread()) == (1, 0)
    kept, counted = in_use(cast.bakery)
    assert kept == counted > 0


def test_full_administration_without_new_mail_fetches_as_ever(cast: Cast, box: MailboxUser) -> None:
    fill(cast.bakery, 1)
    with administration_scope(cast.bakery.pk):
        assert fetch_now(link(cast.bakery, box)).outcome == "succeeded"


def told() -> list[tuple[str, str, str, bool]]:
    with every_administration():
        notices = Notification.objects.filter(kind="storage_nearly_full").order_by("user__email", "created_at")
        return [(one.user.email, one.text_nl, one.text_en, one.closed_at is not None) for one in notices]


NL = (
    "Bakkerij De Vries gebruikt 0,81 GB van 1 GB aan opslag. "
    "Is alles in gebruik, dan wordt niets geüpload, en wachten nieuwe e-mails in het postvak. "
    "Verwijder documenten die je niet meer nodig hebt."
)
EN = (
    "Bakkerij De Vries uses 0.81 GB of 1 GB of storage. "
    "When all is in use, nothing is uploaded, and new emails wait in the mailbox. "
    "Delete documents that you no longer need."
)


def test_those_who_manage_an_administration_are_told_once_that_it_fills_up(cast: Cast, settings: Any) -> None:
    settings.STORAGE_QUOTA_GB = 1
    fill(cast.bakery, 0.79)
    tasks.tick()
    assert told() == []
    fill(cast.bakery, 0.81)
    tasks.tick()
    tasks.tick()
    assert told() == [(who, NL, EN, False) for who in ("anna@jansen.test", "bert@devries.test")]
    fill(cast.bakery, 0.79)
    tasks.tick()
    assert [closed for *_, closed in told()] == [True, True]
    fill(cast.bakery, 0.9)
    tasks.tick()
    assert [closed for *_, closed in told()] == [True, False] * 2


@pytest.mark.parametrize("gigabytes", [0, 2])
def test_notice_is_over_when_the_quota_grows_or_goes(cast: Cast, settings: Any, gigabytes: float) -> None:
    settings.STORAGE_QUOTA_GB = 1
    fill(cast.bakery, 0.81)
    with every_administration():
        room.tell_nearly_full()
        settings.STORAGE_QUOTA_GB = gigabytes
        room.tell_nearly_full()
    assert [closed for *_, closed in told()] == [True, True]


def test_upgrade_counts_what_is_there(cast: Cast, signed_in: SignIn) -> None:
    upload(signed_in(cast.arie), cast.bakery, "a.pdf", "b.pdf")
    upload(signed_in(cast.charlie), cast.foreign, "c.pdf")
    with every_administration():
        StorageUse.objects.all().delete()
    import_module("documents.migrations.0007_storage_use_counted").count(apps, None)
    assert [in_use(place)[0] for place in (cast.bakery, cast.basic, cast.foreign)] == [
        len(pdf("a.pdf") + pdf("b.pdf")), 0, len(pdf("c.pdf")),
    ]  # fmt: skip
