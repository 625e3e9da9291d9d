"""*Vraag de klant*: asking, and the questions so far."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from administrations.access import AdministrationRequest, administration_view
from administrations.models import Role
from documents.asking import questions
from documents.asking.question import Question
from zenvoices.lib import links
from zenvoices.lib.fields import AddressField
from zenvoices.lib.own_addresses import absolute
from zenvoices.lib.rates import within_rate

#: questions that one person may ask in an hour
SENDS = 60
SHOWN = 50


class QuestionForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("What do you ask for?"), max_length=500, widget=forms.Textarea(attrs={"rows": 4})
    )
    email = AddressField(
        label=gettext_lazy("Email address of the client"),
        required=False,
        help_text=gettext_lazy("Leave it empty to copy the link and send it yourself."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@administration_view(Role.USER)
def ask_client(request: AdministrationRequest) -> HttpResponse:
    """A new question, whose link is shown once, and those so far."""
    given = request.POST if request.method == "POST" else None
    form, made = QuestionForm(given, initial=_initial(request)), ""
    if given is not None and form.is_valid():
        if not within_rate("question-asked", str(request.user.pk), amount=SENDS, seconds=3600):
            form.add_error(None, _("Wait an hour before you ask more questions."))
        else:
            made = _ask(request, **form.cleaned_data)
            form = QuestionForm()
    asked = Question.objects.select_related("administration__environment", "created_by")[:SHOWN]
    context = {"form": form, "made": made, "questions": [(one, _standing(one)) for one in asked]}
    return render(request, "documents/asking/ask.html", context, status=422 if form.errors else 200)


@require_POST
@administration_view(Role.USER)
def withdraw_question(request: AdministrationRequest, question_id: UUID) -> HttpResponse:
    asked = Question.objects.select_related("administration")
    questions.withdraw(get_object_or_404(asked, pk=question_id), request.user)
    messages.success(request, _("The link is withdrawn. Whoever opens it reads that it no longer works."))
    return redirect("ask-client", request.administration.pk)


def _initial(request: AdministrationRequest) -> dict[str, str]:
    """What the page that led here proposes, and whom this administration was asked before."""
    known = Question.objects.exclude(email="").values_list("email", flat=True).first()
    return {"text": request.GET.get("text", "")[:500], "email": known or ""}


def _standing(question: Question) -> str:
    if question.answered_at:
        return "answered"
    return questions.closed_because(question) or ("opened" if question.opened_at else "waiting")


def _ask(request: AdministrationRequest, text: str, email: str) -> str:
    question, token = questions.ask(request.administration, text, email, request.user)
    url = absolute(reverse("answer", args=[token]))
    if not email:
        messages.success(request, _("The link is made. Copy it now: it is not shown again."))
    elif _sent(request, question, url):
        messages.success(request, _("The question is sent to %(email)s.") % {"email": email})
    else:
        messages.error(request, _("Copy the link and send it yourself: the email did not leave."))
    return url


def _sent(request: AdministrationRequest, question: Question, url: str) -> bool:
    words = {"question": question, "administration": request.administration, "link": url, "by": request.user}
    return links.sent("documents/asking/", question.email, words, question=str(question.pk))
