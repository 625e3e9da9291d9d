"""Who may open which address: one row per URL name, one section per app.

A row says what each kind of person gets, for GET and for POST:

    "name": Row(ADMIN, ids=..., get=True, post=False)

`needs` is the least kind that may (see LADDER); foreign people get 404 and weaker ones 403, anonymous
people the sign-in page. Ids in the address come from `ids`, given the cast; a method that the address does not
know answers 405 whoever asks.
Add a section for an app, and its names to POLICY.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from allauth.usersessions.models import UserSession
from django.test import Client
from django.utils import timezone

from administrations import services
from administrations.models import Administration, AdministrationAccess, Role
from channels import authorisation, checking, rulebook
from channels.checking import Purpose
from channels.models import Channel
from channels.rules import About
from documents import einvoices, moving
from documents.asking import questions
from documents.models import Document, Email, SavedFilter, Supplier
from documents.moments import moment_to_text
from documents.storage import put_bytes
from leaving import exports
from leaving.models import Erasure, Export
from tests.cast import Cast
from tests.channels.rows import make_channel, make_mail, make_part, make_run
from tests.documents.files import image, invoice
from tests.notifications.rows import make_notification
from zenvoices.lib.scoping import administration_scope

#: weakest first; `OFFICE` is the Beheerder of the environment
SUBMITTER, USER, ADMIN, OFFICE = "submitter", "user", "administration admin", "environment admin"
ANONYMOUS, FOREIGN = "anonymous", "foreign"
LADDER = (SUBMITTER, USER, ADMIN, OFFICE)
KINDS = (ANONYMOUS, FOREIGN, *LADDER)
#: anybody, signed in or not; every signed-in person, about themselves
PUBLIC, OWN = "public", "own"
#: what belongs to Gerda alone (her notifications)
PRIVATE = "private"

Ids = Callable[[Cast], dict[str, Any]]


@dataclass(frozen=True)
class Row:
    needs: str
    ids: Ids = lambda cast: {}
    get: bool = True
    post: bool = False


def bakery(cast: Cast) -> dict[str, Any]:
    return {"administration_id": cast.bakery.pk}


def office(cast: Cast) -> dict[str, Any]:
    return {"environment_id": cast.office.pk}


def bakery_person(cast: Cast) -> dict[str, Any]:
    return {**bakery(cast), "person_id": cast.gerda.pk}


def office_person(cast: Cast) -> dict[str, Any]:
    return {**office(cast), "person_id": cast.gerda.pk}


def gerdas_session(cast: Cast) -> dict[str, Any]:
    browser = Client()
    browser.force_login(cast.gerda)
    known = {"session_key": browser.session.session_key, "ip": "192.0.2.1", "user_agent": "Firefox"}
    return {**office(cast), "session_id": UserSession.objects.create(user=cast.gerda, **known).pk}


def _invitation(cast: Cast) -> Any:
    invitation, _token = services.invite(
        environment=cast.office,
        email="nieuw@devries.test",
        environment_admin=False,
        roles={cast.bakery.pk: Role.USER},
        by=cast.bert,
    )
    return invitation.pk


def bakery_invitation(cast: Cast) -> dict[str, Any]:
    return {**bakery(cast), "invitation_id": _invitation(cast)}


def office_invitation(cast: Cast) -> dict[str, Any]:
    return {**office(cast), "invitation_id": _invitation(cast)}


def gerdas_notification(cast: Cast) -> dict[str, Any]:
    return {"notification_id": make_notification(cast.bakery, cast.gerda).pk}


def bakery_channel(cast: Cast) -> dict[str, Any]:
    return {**bakery(cast), "channel_id": make_channel(cast.bakery, port=1).pk}


def deleted_channel(cast: Cast) -> dict[str, Any]:
    return {**bakery(cast), "channel_id": make_channel(cast.bakery, deleted_at=timezone.now()).pk}


def bakery_check(cast: Cast) -> dict[str, Any]:
    with administration_scope(cast.bakery.pk):
        asked = checking.ask(cast.bakery, Purpose.ACTIVATE, channel=make_channel(cast.bakery, port=1), person=cast.bert)
    return {**bakery(cast), "check_id": asked.pk}


def bakery_search(cast: Cast) -> dict[str, Any]:
    typed = checking.Typed({"address": "jan@ziggo.nl"}, active=False, secrets={})
    with administration_scope(cast.bakery.pk):
        asked = checking.ask(cast.bakery, Purpose.FIND, person=cast.bert, typed=typed)
    return {**bakery(cast), "check_id": asked.pk}


def gmail_channel(cast: Cast) -> dict[str, Any]:
    return {**bakery(cast), "channel_id": make_channel(cast.bakery, auth="google", client_id="id", state="draft").pk}


def gmail_consent(cast: Cast) -> dict[str, Any]:
    ids = gmail_channel(cast)
    with administration_scope(cast.bakery.pk):
        link, _token = authorisation.invite(Channel.objects.get(pk=ids["channel_id"]), cast.bert)
    return {**ids, "link_id": link.pk}


def bakery_run(cast: Cast) -> dict[str, Any]:
    run = make_run(make_channel(cast.bakery))
    return {**bakery(cast), "channel_id": run.channel_id, "run_id": run.pk}


def bakery_mail(cast: Cast) -> dict[str, Any]:
    mail = make_mail(make_run(make_channel(cast.bakery)), b"Subject: broken", state="quarantined", standing=True)
    return {**bakery(cast), "channel_id": mail.channel_id, "mail_id": mail.pk}


def bakery_rule(cast: Cast) -> dict[str, Any]:
    ids = bakery_channel(cast)
    with administration_scope(cast.bakery.pk):
        channel = Channel.objects.get(pk=ids["channel_id"])
        said = rulebook.Said(About.SUBJECT, only=False, value="nieuws")
        return {**ids, "rule_id": rulebook.add_rule(channel, said, cast.bert).pk}


def bakery_tried_rule(cast: Cast) -> dict[str, Any]:
    rule = {"about": "subject", "only": False, "value": "nieuws", "mark_read": False, "replaces": ""}
    ids, typed = bakery_channel(cast), checking.Typed(rule, active=False, secrets={})
    with administration_scope(cast.bakery.pk):
        channel = Channel.objects.get(pk=ids["channel_id"])
        asked = checking.ask(cast.bakery, Purpose.RULES, channel=channel, person=cast.bert, typed=typed)
    return {**ids, "check_id": asked.pk}


def bakery_refusable(cast: Cast) -> dict[str, Any]:
    """A document that came through a channel, from a sender with an address."""
    ids = bakery_channel(cast)
    document = _own_upload(cast, source_id=ids["channel_id"])
    with administration_scope(cast.bakery.pk):
        Email.objects.filter(pk=document.email_id).update(sender_address=f"info@{document.pk}.test")
    return {**ids, "document_id": document.pk}


def bakery_part(cast: Cast) -> dict[str, Any]:
    part = make_part(make_mail(make_run(make_channel(cast.bakery))), can_be_taken=False)
    return {**bakery(cast), "channel_id": part.mail.channel_id, "part_id": part.pk}


OPERATIONS = {
    "healthz": Row(PUBLIC),
    "readyz": Row(PUBLIC),
    "metrics": Row(PUBLIC),
    "status": Row(PUBLIC),
}

ADMINISTRATIONS = {
    "home": Row(PUBLIC),
    "session": Row(PUBLIC),
    "set-language": Row(PUBLIC, get=False, post=True),
    "invitation": Row(PUBLIC, ids=lambda cast: {"token": "no-such-token"}, post=True),
    "my-settings": Row(OWN, post=True),
    "switch-administration": Row(OWN),
    "my-security": Row(OWN),
    "enter-administration": Row(SUBMITTER, bakery),
    "two-factor-needed": Row(SUBMITTER, office),
    "administration-people": Row(ADMIN, bakery),
    "administration-invite": Row(ADMIN, bakery, post=True),
    "administration-role": Row(ADMIN, bakery_person, get=False, post=True),
    "administration-remove": Row(ADMIN, bakery_person, post=True),
    "administration-invitation-resend": Row(ADMIN, bakery_invitation, get=False, post=True),
    "administration-invitation-withdraw": Row(ADMIN, bakery_invitation, get=False, post=True),
    "administration-settings": Row(ADMIN, bakery, post=True),
    "administration-activity": Row(ADMIN, bakery),
    "administration-activity-csv": Row(ADMIN, bakery),
    "environment-activity": Row(OFFICE, office),
    "environment-activity-csv": Row(OFFICE, office),
    "environment-administrations": Row(OFFICE, office),
    "environment-administration-new": Row(OFFICE, office, post=True),
    "environment-administration-edit": Row(
        OFFICE, lambda cast: {**office(cast), "edited_id": cast.bakery.pk}, post=True
    ),
    "environment-people": Row(OFFICE, office),
    "environment-invite": Row(OFFICE, office, post=True),
    "environment-person": Row(OFFICE, office_person, post=True),
    "environment-person-remove": Row(OFFICE, office_person, post=True),
    "environment-settings": Row(OFFICE, office, post=True),
    "environment-sessions": Row(OFFICE, office),
    "environment-session-end": Row(OFFICE, gerdas_session, get=False, post=True),
    "environment-person-sessions-end": Row(OFFICE, office_person, get=False, post=True),
    "environment-invitation-resend": Row(OFFICE, office_invitation, get=False, post=True),
    "environment-invitation-withdraw": Row(OFFICE, office_invitation, get=False, post=True),
}


def _own_upload(cast: Cast, **facts: Any) -> Any:
    """Arie's own, so that an Aanleveraar may see it too; with a mail, so that every address of it has something."""
    with administration_scope(cast.bakery.pk):
        sha256 = put_bytes(cast.bakery.pk, image())
        raw = put_bytes(cast.bakery.pk, b"Content-Type: text/html\r\n\r\n<p>Hierbij.</p>")
        email = Email.objects.create(administration=cast.bakery, raw_sha256=raw, raw_size=1)
        return Document.objects.create(
            administration=cast.bakery,
            email=email,
            kind="upload",
            filename="bon.png",
            **{"content_type": "image/png", "size": 1, "sha256": sha256, "uploaded_by": cast.arie} | facts,
        )


def bakery_document(cast: Cast) -> dict[str, Any]:
    return {**bakery(cast), "document_id": _own_upload(cast).pk}


def bakery_kept_both(cast: Cast) -> dict[str, Any]:
    moment = timezone.now()
    _own_upload(cast, kept_both_at=moment)
    return {**bakery(cast), "moment": moment_to_text(moment)}


def bakery_note(cast: Cast) -> dict[str, Any]:
    """Of nobody: each takes their own away, and sees the list as it is."""
    return {**bakery_document(cast), "note_id": uuid4()}


def gerdas_filter(cast: Cast) -> dict[str, Any]:
    with administration_scope(cast.bakery.pk):
        kept = SavedFilter.objects.create(administration=cast.bakery, person=cast.gerda, name=str(uuid4()), query="q=x")
    return {**bakery(cast), "filter_id": kept.pk}


def bakery_einvoice(cast: Cast) -> dict[str, Any]:
    """Of an XML that has a PDF inside."""
    with administration_scope(cast.bakery.pk):
        sha256 = put_bytes(cast.bakery.pk, invoice("nlcius-with-pdf"))
    document = _own_upload(cast, content_type="application/xml", sha256=sha256)
    with administration_scope(cast.bakery.pk):
        einvoices.read(document)
    return {**bakery(cast), "document_id": document.pk, "place": 0}


def bakery_deleted(cast: Cast) -> dict[str, Any]:
    moment = timezone.now()
    _own_upload(cast, deleted_at=moment)
    return {**bakery(cast), "moment": moment_to_text(moment)}


def bakery_done(cast: Cast) -> dict[str, Any]:
    moment = timezone.now()
    _own_upload(cast, done_at=moment)
    return {**bakery(cast), "moment": moment_to_text(moment)}


def bakery_moved(cast: Cast) -> dict[str, Any]:
    """To an administration that its people may enter too."""
    there = Administration.objects.create(environment=cast.office, name=f"naast {cast.bakery.pk}")
    for person in (cast.gerda, cast.bert):
        AdministrationAccess.objects.create(administration=there, user=person, role=Role.USER)
    document = _own_upload(cast)
    with administration_scope(cast.bakery.pk):
        moved = moving.move([document], cast.bakery, there, cast.anna)
    return {**bakery(cast), "moment": moment_to_text(moved.moment)}


def bakery_question(cast: Cast) -> dict[str, Any]:
    with administration_scope(cast.bakery.pk):
        question, _token = questions.ask(cast.bakery, "Heb je de bonnen nog?", "klant@devries.test", cast.gerda)
    return {**bakery(cast), "question_id": question.pk}


def bakery_supplier(cast: Cast) -> dict[str, Any]:
    with administration_scope(cast.bakery.pk):
        made, _new = Supplier.objects.get_or_create(administration=cast.bakery, key="vandam.test")
    return {**bakery(cast), "supplier_id": made.pk}


DOCUMENTS = {
    "ask-client": Row(USER, bakery, post=True),
    "question-withdraw": Row(USER, bakery_question, get=False, post=True),
    "missing-invoices": Row(USER, bakery),
    "supplier-not-expected": Row(USER, bakery_supplier, get=False, post=True),
    "answer": Row(PUBLIC, ids=lambda cast: {"token": "no-such-token"}, post=True),
    "documents": Row(SUBMITTER, bakery),
    "document-upload": Row(SUBMITTER, bakery, post=True),
    "document": Row(SUBMITTER, bakery_document),
    "document-preview": Row(SUBMITTER, bakery_document),
    "document-download": Row(SUBMITTER, bakery_document),
    "document-inside": Row(SUBMITTER, bakery_einvoice),
    "document-email-file": Row(SUBMITTER, bakery_document),
    "document-email-pdf": Row(SUBMITTER, bakery_document),
    "document-looks": Row(SUBMITTER, bakery_document),
    "document-body": Row(SUBMITTER, bakery_document),
    "document-finding-close": Row(USER, bakery_document, get=False, post=True),
    "document-page": Row(SUBMITTER, lambda cast: {**bakery_document(cast), "number": 1, "width": 160}),
    "document-compare": Row(SUBMITTER, bakery_document),
    "document-keep-both": Row(USER, bakery_document, get=False, post=True),
    "documents-ask-again": Row(USER, bakery_kept_both, get=False, post=True),
    "document-note": Row(USER, bakery_document, get=False, post=True),
    "document-note-delete": Row(USER, bakery_note, get=False, post=True),
    "documents-zip": Row(USER, bakery, get=False, post=True),
    "documents-zip-names": Row(USER, bakery, post=True),
    "document-upload-pages": Row(SUBMITTER, bakery, post=True),
    "documents-filters": Row(SUBMITTER, bakery),
    "documents-filter-keep": Row(SUBMITTER, bakery, get=False, post=True),
    "documents-filter-rename": Row(PRIVATE, gerdas_filter, get=False, post=True),
    "documents-filter-remove": Row(PRIVATE, gerdas_filter, get=False, post=True),
    "documents-delete": Row(USER, bakery, get=False, post=True),
    "documents-forward": Row(USER, bakery, get=False, post=True),
    "forward-address": Row(ADMIN, bakery, post=True),
    "forward-address-remove": Row(ADMIN, bakery, get=False, post=True),
    "forward-address-confirm": Row(PUBLIC, ids=lambda cast: {"token": "no-such-token"}, post=True),
    "documents-move": Row(USER, bakery, get=False, post=True),
    "documents-move-back": Row(USER, bakery_moved, get=False, post=True),
    "documents-done": Row(USER, bakery, get=False, post=True),
    "documents-reopen": Row(USER, bakery, get=False, post=True),
    "documents-undo-done": Row(USER, bakery_done, get=False, post=True),
    "documents-found": Row(USER, bakery),
    "documents-news": Row(USER, bakery),
    "documents-restore": Row(USER, bakery_deleted, get=False, post=True),
}

NOTIFICATIONS = {
    "notifications": Row(OWN),
    "notifications-read": Row(OWN, get=False, post=True),
    "notification-open": Row(PRIVATE, gerdas_notification),
    "notification-read": Row(PRIVATE, gerdas_notification, get=False, post=True),
}

CHANNELS = {
    "channels": Row(ADMIN, bakery),
    "channel-new": Row(ADMIN, bakery, post=True),
    "channel-new-email": Row(ADMIN, bakery, post=True),
    "channel-find": Row(ADMIN, bakery, post=True),
    "channel-found": Row(ADMIN, bakery_search),
    "channel": Row(ADMIN, bakery_channel),
    "channel-edit": Row(ADMIN, bakery_channel, post=True),
    "channel-row": Row(ADMIN, bakery_channel),
    "channel-check": Row(ADMIN, bakery_check),
    "channel-connect": Row(ADMIN, gmail_channel),
    "channel-disconnect": Row(ADMIN, gmail_channel, get=False, post=True),
    "channel-consent": Row(ADMIN, gmail_channel, post=True),
    "channel-consent-withdraw": Row(ADMIN, gmail_consent, get=False, post=True),
    "google-callback": Row(PUBLIC),
    "entra-callback": Row(PUBLIC),
    "consent": Row(PUBLIC, ids=lambda cast: {"token": "no-such-token"}),
    "consent-go": Row(PUBLIC, ids=lambda cast: {"token": "no-such-token"}),
    "consent-done": Row(PUBLIC),
    "channel-fetch": Row(ADMIN, bakery_channel, get=False, post=True),
    "channel-pause": Row(ADMIN, bakery_channel, get=False, post=True),
    "channel-activate": Row(ADMIN, bakery_channel, get=False, post=True),
    "channel-delete": Row(ADMIN, bakery_channel, get=False, post=True),
    "channel-undo-delete": Row(ADMIN, deleted_channel, get=False, post=True),
    "logbook": Row(ADMIN, bakery_channel),
    "logbook-csv": Row(ADMIN, bakery_channel),
    "run": Row(ADMIN, bakery_run),
    "run-read-elsewhere": Row(ADMIN, bakery_run, get=False, post=True),
    "not-taken-in": Row(ADMIN, bakery_channel),
    "not-taken-in-retry": Row(ADMIN, bakery_channel, get=False, post=True),
    "channel-mail-leave-out": Row(ADMIN, bakery_mail, get=False, post=True),
    "channel-mail-retry": Row(ADMIN, bakery_mail, get=False, post=True),
    "channel-mail-eml": Row(ADMIN, bakery_mail),
    "channel-part-take": Row(ADMIN, bakery_part, get=False, post=True),
    "channel-rules": Row(ADMIN, bakery_channel),
    "channel-rule-new": Row(ADMIN, lambda cast: {**bakery_channel(cast), "about": "sender"}, post=True),
    "channel-rule-edit": Row(ADMIN, bakery_rule, post=True),
    "channel-rule-remove": Row(ADMIN, bakery_rule, get=False, post=True),
    "channel-rule-tried": Row(ADMIN, bakery_tried_rule),
    "channel-rule-refuse": Row(ADMIN, bakery_refusable, get=False, post=True),
    "channel-left-out": Row(ADMIN, bakery_channel),
    "channel-left-out-take": Row(ADMIN, bakery_channel, get=False, post=True),
    "environment-channels": Row(OFFICE, office),
    "office": Row(OFFICE, office),
    "office-act": Row(OFFICE, office, get=False, post=True),
    "office-client": Row(OFFICE, lambda cast: {**office(cast), "client_id": cast.bakery.pk}),
}


def bakery_export(cast: Cast) -> dict[str, Any]:
    with administration_scope(cast.bakery.pk):
        exports.make(exports.ask(cast.bakery, cast.bert).pk)
        return {**bakery(cast), "export_id": Export.objects.get().pk}


def gerdas_erasure(cast: Cast) -> dict[str, Any]:
    """Which Gerda asked for, when she was Beheerder."""
    return {"erasure_id": Erasure.objects.create(kind=Erasure.Kind.ADMINISTRATION, asked_by=cast.gerda).pk}


LEAVING = {
    "export": Row(ADMIN, bakery, post=True),
    "export-file": Row(ADMIN, bakery_export),
    "retention": Row(ADMIN, bakery, post=True),
    "erase-documents": Row(ADMIN, bakery, post=True),
    "erase-administration": Row(OFFICE, lambda cast: {**office(cast), "erased_id": cast.bakery.pk}, post=True),
    "erase-person": Row(OFFICE, office_person, post=True),
    "erase-environment": Row(OFFICE, office, post=True),
    "erasures": Row(OFFICE, office),
    "erase-myself": Row(OWN, post=True),
    "erasure": Row(PRIVATE, gerdas_erasure),
}

#: django-allauth tests its own pages; here only that they are open to everybody, or to the person alone
ALLAUTH_PUBLIC = {
    "account_login",
    "account_logout",
    "account_inactive",
    "account_signup",
    "account_email_verification_sent",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_confirm_email",
    "account_confirm_login_code",
    "account_email",  # shut, for everybody
    "mfa_authenticate",
    "mfa_login_webauthn",
}
ALLAUTH_OWN = {
    "account_reauthenticate",
    "account_change_password",
    "account_set_password",
    "mfa_index",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_download_recovery_codes",
    "mfa_list_webauthn",
    "mfa_add_webauthn",
    "mfa_remove_webauthn",
    "mfa_edit_webauthn",
    "usersessions_list",
}

POLICY = {**OPERATIONS, **ADMINISTRATIONS, **DOCUMENTS, **NOTIFICATIONS, **CHANNELS, **LEAVING}
