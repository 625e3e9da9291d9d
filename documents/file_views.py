"""Downloads, images of pages, and mails as they looked."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from administrations import audit
from administrations.access import AdministrationRequest, administration_view
from administrations.models import Role
from documents import insides, mail_page, preview, serving, storage, zip_names
from documents.models import PDF, Document, Email
from documents.opening import chosen_documents, place_inside, visible_document, why_none


@require_safe
@administration_view(Role.SUBMITTER)
def download(request: AdministrationRequest, document_id: UUID) -> HttpResponseBase:
    found = visible_document(request, document_id)
    response = _attachment(request, found.sha256, found.filename, found.content_type)
    _note(request, "document.downloaded", found)
    return response


@require_safe
@administration_view(Role.SUBMITTER)
def inside(request: AdministrationRequest, document_id: UUID, place: int) -> HttpResponse:
    """A PDF that an e-invoice carries."""
    found = visible_document(request, document_id)
    try:
        wanted = insides.inside(found, place)
        response = serving.bytes_attached(insides.taken_out(found, wanted), wanted.name, PDF)
    except insides.NoPdf as missing:
        raise Http404 from missing
    _note(request, "document.downloaded", found)
    return response


@require_safe
@administration_view(Role.SUBMITTER)
def email_file(request: AdministrationRequest, document_id: UUID) -> HttpResponseBase:
    email = visible_document(request, document_id).email
    if email is None:
        raise Http404
    response = _attachment(request, email.raw_sha256, f"{email.subject or 'e-mail'}.eml", "message/rfc822")
    _note(request, "email.downloaded", email)
    return response


@require_safe
@administration_view(Role.SUBMITTER)
def email_pdf(request: AdministrationRequest, document_id: UUID) -> HttpResponse:
    """The mail of a document as a PDF, with who sent it above."""
    found = visible_document(request, document_id)
    if found.email is None:
        raise Http404
    heading = render_to_string("documents/_printed.html", {"email": found.email})
    try:
        response = serving.mail_pdf(mail_page.pdf(found.email, heading), found.email.subject)
        _note(request, "email.downloaded", found.email)
        return response
    except preview.PreviewProblem as problem:
        if problem.code == "busy":
            return _not_drawn(problem)
        messages.error(request, _("This email cannot be made into a PDF. Download the original email instead."))
        return redirect("document", request.administration.pk, found.pk)


@require_safe
@administration_view(Role.SUBMITTER)
def body(request: AdministrationRequest, document_id: UUID) -> HttpResponse:
    """The mail of a document as it looked."""
    email = visible_document(request, document_id).email
    if email is None:
        raise Http404
    try:
        return serving.mail_page(mail_page.page(email))
    except preview.PreviewProblem as problem:
        return _not_drawn(problem)


@require_safe
@administration_view(Role.SUBMITTER)
def page(request: AdministrationRequest, document_id: UUID, number: int, width: int) -> HttpResponseBase:
    found = visible_document(request, document_id)
    try:
        place = preview.page(found, number, width, place_inside(request) or 0)
        return serving.drawing(place)
    except preview.PreviewProblem as problem:
        if width == preview.THUMBNAIL:  # the list never waits: its icon stays, and its script asks again
            return HttpResponse(status=204)
        return _not_drawn(problem)


def _not_drawn(problem: preview.PreviewProblem) -> HttpResponse:
    if problem.code == "busy":
        return HttpResponse(status=503, headers={"Retry-After": "5"})
    raise Http404 from problem


@require_POST
@administration_view(Role.USER)
def zip_file(request: AdministrationRequest) -> HttpResponseBase:
    found = chosen_documents(request)
    if not found:
        messages.info(request, why_none(request))
        return redirect("documents", request.administration.pk)
    try:
        names = zip_names.names(found, zip_names.parts_of(request.user))
        response = serving.zip_of(found, names, _("documents") + ".zip")
        _note(request, "document.zipped", *found)
        return response
    except storage.BlobMissing:
        messages.error(request, _("A file is missing from our storage. Download the documents one by one."))
        return redirect("documents", request.administration.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@administration_view(Role.USER)
def names_in_zip(request: AdministrationRequest) -> HttpResponse:
    """Kept for this person, wherever they download one."""
    form = zip_names.ZipNamesForm(request.POST or None, zip_names.parts_of(request.user))
    if not form.is_valid():
        return render(request, "documents/zip_names.html", {"form": form}, status=422 if form.errors else 200)
    zip_names.keep(request.user, form.parts())
    messages.success(request, _("Your settings are saved."))
    return redirect("documents", request.administration.pk)


def _note(request: AdministrationRequest, code: str, *files: Document | Email) -> None:
    """A download that begins; HEAD asks only how large it would be."""
    if request.method != "HEAD":
        audit.note_each(code, request.administration, files, by=request.user)


def _attachment(request: AdministrationRequest, sha256: str, filename: str, content_type: str) -> HttpResponseBase:
    try:
        return serving.attachment(request.administration.pk, sha256, filename, content_type)
    except storage.BlobMissing as missing:
        raise Http404 from missing
