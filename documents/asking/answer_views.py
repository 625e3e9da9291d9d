"""What the holder of a link sees: whose books it is about, what is asked, and a place to put it. Nothing else."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from documents.asking import questions
from documents.asking.question import Question
from documents.phrases import upload_problem
from documents.tasks import queue_preparation
from documents.uploads import ACCEPT, Result
from zenvoices.lib.rates import seconds_left, too_many, who_asks, within_rate
from zenvoices.lib.scoping import administration_scope

#: unknown links that one address may open in a minute; times that files may be sent with one link, and from one
#: address, in an hour
LOOKS, TRIES, TRIES_OF_ADDRESS = 30, 60, 120


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: HttpRequest, token: str) -> HttpResponse:
    question = questions.question_for(token)
    if question is None or questions.closed_because(question):
        return _closed(request, known=question is not None)
    with administration_scope(question.administration_id):
        if request.method == "POST":
            return _answered(request, question, token)
        questions.opened(question)
        return _page(request, question, thanks=request.GET.get("thanks") == "yes")


def _answered(request: HttpRequest, question: Question, token: str) -> HttpResponse:
    own = within_rate("answer", str(question.pk), amount=TRIES, seconds=3600)
    if not own or not within_rate("answer-from", who_asks(request), amount=TRIES_OF_ADDRESS, seconds=3600):
        return too_many(request, seconds_left(3600))
    files = request.FILES.getlist("files")
    if not files:
        return _page(request, question, problems=[("", _("Choose at least one file."))])
    try:
        results = questions.answer(question, files)
    except questions.Closed:
        return _closed(request, known=True)
    except questions.Full:
        full = _("This link has brought as much as it may. Ask the office for a new one.")
        return _page(request, question, problems=[("", full)])
    documents = [result.document for result in results if result.document]
    transaction.on_commit(partial(queue_preparation, question.administration_id, documents))
    if problems := _problems(results):
        return _page(request, question, problems=problems, taken=[one.filename for one in documents])
    return redirect(f"{reverse('answer', args=[token])}?thanks=yes")


def _problems(results: list[Result]) -> list[tuple[str, str]]:
    return [(result.filename, upload_problem(result.problem)) for result in results if result.problem]


def _page(request: HttpRequest, question: Question, **more: Any) -> HttpResponse:
    context = {"question": question, "accept": ACCEPT} | more
    return render(request, "documents/asking/answer.html", context, status=422 if more.get("problems") else 200)


def _closed(request: HttpRequest, *, known: bool) -> HttpResponse:
    """The same for a link that never was, and for one that is over: it tells nothing."""
    if not known and not within_rate("answer-unknown", who_asks(request), amount=LOOKS, seconds=60):
        return too_many(request, 60)
    return render(request, "documents/asking/closed.html", status=404)
