"""*Vraag de klant*: a link by which somebody without an account uploads, and sees nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from administrations import services
from administrations.models import Role, User
from documents.asking import answer_views, questions
from documents.models import Document, Question
from tests.cast import Cast
from tests.documents.conftest import Shelf
from tests.documents.files import pdf
from tests.trail import told
from zenvoices.lib.logs import without_secrets
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.thorough

SignIn = Callable[[User], Client]
ASKED = "Heb je de bonnen van oktober nog?"


@pytest.fixture(autouse=True)
def _nothing_counted(shelf: Shelf) -> None:
    cache.clear()


def ask(cast: Cast, by: User | None = None) -> str:
    """The path of a new link."""
    with administration_scope(cast.bakery.pk):
        _question, token = questions.ask(cast.bakery, ASKED, "klant@devries.test", by or cast.gerda)
    return reverse("answer", args=[token])


def send(path: str, *files: tuple[str, bytes], **more: Any) -> Any:
    posted = [SimpleUploadedFile(name, data) for name, data in files]
    return Client().post(path, {"files": posted}, **more)


def only_question() -> Question:
    with every_administration():
        return Question.objects.get()


def arrived(cast: Cast) -> list[str]:
    with administration_scope(cast.bakery.pk):
        return list(Document.objects.order_by("filename").values_list("filename", flat=True))


def test_question_is_mailed_and_its_link_kept_as_a_hash(cast: Cast, signed_in: SignIn) -> None:
    gerda, url = signed_in(cast.gerda), reverse("ask-client", args=[cast.bakery.pk])
    page = gerda.post(url, {"text": ASKED, "email": "klant@devries.test"}).content.decode()
    (sent,) = mail.outbox
    found = re.search(r"/answer/([\w-]+)/", sent.body)
    assert found
    assert (sent.to, ASKED in sent.body, found[1] in page) == (["klant@devries.test"], True, True)
    assert found[1] not in repr(vars(only_question()))
    assert found[1] not in gerda.get(url).content.decode()
    assert ("Gerda Bakker", "question.asked", "klant@devries.test") in told(cast.bakery)


def test_next_question_proposes_the_address_of_the_last(cast: Cast, signed_in: SignIn) -> None:
    ask(cast)
    answer = signed_in(cast.gerda).get(reverse("ask-client", args=[cast.bakery.pk]), {"text": "Nog iets?"})
    assert answer.context["form"].initial == {"text": "Nog iets?", "email": "klant@devries.test"}


def test_holder_sees_the_name_the_question_and_nothing_else(cast: Cast) -> None:
    with administration_scope(cast.bakery.pk):
        Document.objects.create(administration=cast.bakery, kind="upload", filename="geheim.pdf", size=1, sha256="0")
    page = Client().get(ask(cast)).content.decode()
    assert ("Bakkerij De Vries" in page, ASKED in page) == (True, True)
    for hidden in ("geheim.pdf", "gerda", "Gerda Bakker", str(cast.bakery.pk), "klant@devries.test"):
        assert hidden not in page


def test_what_is_sent_arrives_with_its_origin(cast: Cast, signed_in: SignIn) -> None:
    path = ask(cast)
    answer = send(path, ("bon.pdf", pdf("bon")), ("taxi.pdf", pdf("taxi")))
    assert answer.url == f"{path}?thanks=yes"
    assert "Dank je." in Client().get(answer.url).content.decode()
    assert arrived(cast) == ["bon.pdf", "taxi.pdf"]
    with administration_scope(cast.bakery.pk):
        document = Document.objects.get(filename="bon.pdf")
    assert (document.uploaded_by, document.question_id, document.source_id) == (None, only_question().pk, None)
    page = signed_in(cast.gerda).get(reverse("document", args=[cast.bakery.pk, document.pk])).content.decode()
    assert "Via de vraag aan klant klant@devries.test" in page
    assert (only_question().files, only_question().answered_at is not None) == (2, True)
    assert ("guest", "question.answered", "klant@devries.test") in told(cast.bakery)


def test_refused_file_keeps_no_other_out_and_takes_no_room(cast: Cast) -> None:
    answer = send(ask(cast), ("bon.pdf", pdf("bon")), ("virus.exe", b"MZ program"))
    assert answer.status_code == 422
    assert "virus.exe" in answer.content.decode()
    assert (arrived(cast), only_question().files, only_question().bytes) == (["bon.pdf"], 1, len(pdf("bon")))


def test_nothing_chosen_is_said(cast: Cast) -> None:
    answer = send(ask(cast))
    assert (answer.status_code, "Kies minstens één bestand." in answer.content.decode()) == (422, True)


@pytest.mark.parametrize("name", ["MOST_FILES", "MOST_BYTES"])
def test_link_brings_no_more_than_it_may(cast: Cast, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = ask(cast)
    monkeypatch.setattr(questions, name, 1)
    answer = send(path, ("bon.pdf", pdf("bon")), ("taxi.pdf", pdf("taxi")))
    assert (answer.status_code, arrived(cast)) == (422, [])
    assert "Met deze link is genoeg verstuurd." in answer.content.decode()


def words_of(answer: Any) -> str:
    found = re.search(r"<main.*</main>", answer.content.decode(), re.S)
    assert found
    return found[0]


def test_closed_link_tells_nothing_and_takes_nothing(cast: Cast) -> None:
    path = ask(cast)
    with every_administration():
        Question.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    unknown = Client().get(reverse("answer", args=["x" * 43]))
    closed = Client().get(path)
    assert (closed.status_code, words_of(closed)) == (404, words_of(unknown))
    assert (send(path, ("bon.pdf", pdf())).status_code, arrived(cast)) == (404, [])


def test_withdrawn_link_is_closed(cast: Cast, signed_in: SignIn) -> None:
    path = ask(cast)
    signed_in(cast.gerda).post(reverse("question-withdraw", args=[cast.bakery.pk, only_question().pk]))
    assert Client().get(path).status_code == 404
    assert ("Gerda Bakker", "question.withdrawn", "klant@devries.test") in told(cast.bakery)


def test_link_is_worth_what_its_maker_may_ask(cast: Cast) -> None:
    path = ask(cast)
    services.set_role(administration=cast.bakery, user=cast.gerda, role=Role.SUBMITTER)
    assert (Client().get(path).status_code, only_question().withdrawn_at is not None) == (404, True)
    services.set_role(administration=cast.bakery, user=cast.gerda, role=Role.USER)
    assert Client().get(path).status_code == 404  # a right that comes back opens none


def test_right_that_went_while_the_page_was_open_takes_nothing(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    path = ask(cast)
    before = questions.question_for(path.split("/")[2])
    services.set_role(administration=cast.bakery, user=cast.gerda, role=Role.SUBMITTER)
    monkeypatch.setattr(answer_views.questions, "question_for", lambda token: before)
    monkeypatch.setattr(answer_views.questions, "closed_because", _true_afterwards(questions.closed_because))
    assert (send(path, ("bon.pdf", pdf())).status_code, arrived(cast)) == (404, [])


def _true_afterwards(really: Callable[[Question], str]) -> Callable[[Question], str]:
    """As if the first look had come before the right went."""
    asked: list[Question] = []

    def closed_because(question: Question) -> str:
        asked.append(question)
        return "" if len(asked) == 1 else really(question)

    return closed_because


def test_tries_are_counted_by_link_and_unknown_links_by_address(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_views, "TRIES", 2)
    path, wrong = ask(cast), reverse("answer", args=["x" * 43])
    assert [send(path).status_code for _ in range(3)] == [422, 422, 429]
    assert [Client().get(wrong).status_code for _ in range(31)] == [404] * 30 + [429]
    assert Client().get(path).status_code == 200


def test_log_hides_the_link() -> None:
    assert without_secrets(f"/answer/{'x' * 43}/?thanks=yes") == "/answer/[hidden]/?thanks=yes"
