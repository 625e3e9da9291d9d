"""What each line of the audit trail says, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from administrations.audit_entry import AuditEntry
from administrations.models import Administration, Role

#: code: what was done; %(thing)s is the name of what it was done to
SENTENCES: Final[Mapping[str, Promise]] = {
    "sign_in.succeeded": _("Signed in"),
    "sign_in.failed": _("Sign-in failed: %(thing)s"),
    "two_factor.set_up": _("Two-factor authentication set up"),
    "two_factor.removed": _("Two-factor authentication removed"),
    "two_factor.used": _("Verification code or passkey used"),
    "two_factor.failed": _("Wrong verification code: %(thing)s"),
    "session.ended": _("Ended a session of %(thing)s"),
    "session.all_ended": _("Ended all sessions of %(thing)s"),
    "password.changed": _("Password changed"),
    "password.reset": _("Password reset by email"),
    "door.refused": _("Was refused a page of %(thing)s"),
    "invitation.made": _("Invited %(thing)s"),
    "invitation.renewed": _("Sent the invitation of %(thing)s again"),
    "invitation.accepted": _("Invitation of %(thing)s accepted"),
    "invitation.withdrawn": _("Withdrew the invitation of %(thing)s"),
    "role.given": _("Gave access to %(thing)s"),
    "role.changed": _("Changed the role of %(thing)s"),
    "role.removed": _("Ended the access of %(thing)s"),
    "environment.made": _("Made the environment %(thing)s"),
    "environment.changed": _("Changed the environment %(thing)s"),
    "administration.made": _("Made the administration %(thing)s"),
    "administration.changed": _("Changed the administration %(thing)s"),
    "administration.exported": _("Asked for an export of %(thing)s"),
    "administration.export_downloaded": _("Downloaded an export of %(thing)s"),
    "retention.held": _("Put %(thing)s under a hold"),
    "retention.lifted": _("Lifted the hold of %(thing)s"),
    "retention.changed": _("Changed how long %(thing)s keeps documents"),
    "erasure.asked": _("Asked for something to be erased"),
    "erasure.links": _("Ended the links at providers, and erased the secrets"),
    "erasure.rows": _("Erased the documents, emails, channels and everything else"),
    "erasure.administration": _("Erased the administration itself"),
    "erasure.files": _("Erased the files"),
    "erasure.environment": _("Erased the environment itself"),
    "erasure.people": _("Erased the accounts"),
    "erasure.documents": _("Erased the documents whose term is over"),
    "erasure.done": _("Finished erasing"),
    "audit.exported": _("Downloaded these activities"),
    "channel.made": _("Made the channel %(thing)s"),
    "channel.changed": _("Changed the channel %(thing)s"),
    "channel.activated": _("Activated the channel %(thing)s"),
    "channel.paused": _("Paused the channel %(thing)s"),
    "channel.deleted": _("Deleted the channel %(thing)s"),
    "channel.restored": _("Brought the channel %(thing)s back"),
    "channel.deactivated": _("The channel %(thing)s stopped after failing five times"),
    "channel.secret_replaced": _("Replaced a secret of the channel %(thing)s"),
    "channel.linked": _("Linked the channel %(thing)s"),
    "channel.disconnected": _("Disconnected the channel %(thing)s"),
    "channel.consent_asked": _("Made a link to ask consent for the channel %(thing)s"),
    "channel.consent_withdrawn": _("Withdrew a consent link of the channel %(thing)s"),
    "channel.consent_given": _("Linked the channel %(thing)s through a consent link"),
    "channel.logbook_exported": _("Downloaded the logbook of the channel %(thing)s"),
    "channel.mails_asked_for": _("Asked for emails of the channel %(thing)s"),
    "channel.rule_made": _("Made a rule of the channel %(thing)s"),
    "channel.rule_changed": _("Changed a rule of the channel %(thing)s"),
    "channel.rule_removed": _("Removed a rule of the channel %(thing)s"),
    "channel.mails_left_out": _("Left out an email of the channel %(thing)s"),
    "document.deleted": _("Deleted the document %(thing)s"),
    "document.restored": _("Brought the document %(thing)s back"),
    "document.downloaded": _("Downloaded the document %(thing)s"),
    "document.zipped": _("Downloaded the document %(thing)s in a ZIP"),
    "document.kept_both": _("Kept the document %(thing)s beside the one that looks the same"),
    "document.note_written": _("Wrote a note at the document %(thing)s"),
    "document.note_deleted": _("Deleted a note at the document %(thing)s"),
    "document.moved_out": _("Moved the document %(thing)s to another administration"),
    "document.moved_in": _("Moved the document %(thing)s here from another administration"),
    "document.taken": _("Took the document %(thing)s after all"),
    "document.finding_closed": _("Said that the document %(thing)s is right"),
    "document.forwarded": _("Forwarded the document %(thing)s by email"),
    "forwarding.asked": _("Asked %(thing)s to confirm that documents may be forwarded there"),
    "forwarding.confirmed": _("%(thing)s confirmed that documents may be forwarded there"),
    "forwarding.removed": _("Removed the address %(thing)s that documents were forwarded to"),
    "email.downloaded": _("Downloaded the email %(thing)s"),
    "question.asked": _("Asked the client for documents: %(thing)s"),
    "question.withdrawn": _("Withdrew the question %(thing)s"),
    "question.answered": _("Documents came in answer to %(thing)s"),
    "supplier.not_expected": _("Expects no more invoices of %(thing)s"),
    "operator.keys_rotated": _("Encrypted every secret with a new key"),
    "operator.fetched": _("Retrieved the channel %(thing)s"),
    "operator.einvoices_read": _("Had e-invoices read"),
}
#: What is before the dot, as the filter offers it.
KINDS: Final[Mapping[str, Promise]] = {
    "sign_in": _("Signing in"),
    "two_factor": _("Two-factor authentication"),
    "session": _("Sessions"),
    "password": _("Passwords"),
    "door": _("Refused"),
    "invitation": _("Invitations"),
    "role": _("Roles"),
    "environment": _("Environment"),
    "administration": _("Administrations"),
    "retention": _("Retention"),
    "erasure": _("Erasing"),
    "audit": _("Activity"),
    "channel": _("Channels"),
    "document": _("Documents"),
    "forwarding": _("Forwarding"),
    "email": _("Emails"),
    "question": _("Questions to the client"),
    "supplier": _("Expected invoices"),
    "operator": _("Operator"),
}
FIELDS: Final[Mapping[str, Promise]] = {
    "name": _("Name"),
    "plan": _("Plan"),
    "role": _("Role"),
    "roles": _("Roles"),
    "type": _("Kind"),
    "account": _("Account"),
    "device": _("Device"),
    "requires_two_factor": _("Require two-factor authentication"),
    "mails": _("Emails"),
    "emails": _("Emails"),
    "documents": _("Documents"),
    "channels": _("Channels"),
    "administrations": _("Administrations"),
    "people": _("Users"),
    "kind": _("What"),
    "moved_to": _("To"),
    "forwarded_to": _("To"),
    "moved_from": _("From"),
    "kept_until": _("The term ran until"),
    "years": _("Years"),
    "reason": _("Reason"),
    "secrets": _("Secrets"),
    "protocol": _("Protocol"),
    "auth": _("Authentication type"),
    "host": _("Hostname"),
    "port": _("Port"),
    "security": _("Security"),
    "username": _("Username"),
    "folder": _("Folder"),
    "more_folders": _("Other folders"),
    "after": _("After retrieving"),
    "after_target": _("Folder or label"),
    "client_id": _("Client id"),
    "tenant_id": _("Directory (tenant) ID"),
    "signs_in_as": _("Signs in as"),
    "app_only": _("Signs in by itself"),
    "secret_expires_on": _("Secret ends on"),
    "finding": _("What was odd"),
    "start": _("Begin with"),
    "start_date": _("Since"),
    "rule": _("Rule"),
    "rule_value": _("Says"),
    "rule_kind": _("Kind of file"),
    "rule_marks_read": _("Mark as read what it leaves out"),
}
#: Values that are codes of ours, by field; what is not here stands as it is.
VALUES: Final[Mapping[str, Mapping[str, str | Promise]]] = {
    "plan": dict(Administration.Plan.choices),
    "role": {**dict(Role.choices), "environment_admin": _("Administrator of the environment")},
    "type": {
        "totp": _("Authenticator app"),
        "webauthn": _("Passkey"),
        "recovery_codes": _("Recovery codes"),
    },
    "secrets": {
        "password": _("Password"),
        "client_secret": _("Client secret"),
        "client_certificate": _("Certificate"),
    },
    "kind": {
        "administration": _("Administration"),
        "environment": _("Environment"),
        "person": _("Person"),
        "documents": _("Documents whose term is over"),
    },
    "security": {"tls": "SSL/TLS", "starttls": "STARTTLS"},
    "protocol": {"imap": "IMAP", "pop3": "POP3"},
    "auth": {"password": _("Username and password"), "google": "Gmail OAuth2", "entra": "Entra OAuth2"},
    "finding": {
        "unproven": _("Sender not proven"),
        "reply_to": _("Answers go elsewhere"),
        "lookalike": _("Domain looks like a known one"),
        "same_name": _("Known name, other domain"),
        "iban": _("Other IBAN"),
    },
    "app_only": {"True": _("Yes"), "False": _("No")},
    "requires_two_factor": {"True": _("Yes"), "False": _("No")},
    "after": {
        "mark_read": _("Mark as read"),
        "leave": _("Leave it as it is, unread"),
        "move": _("Move it to a folder, unread"),
        "label": _("Give it a label, unread"),
    },
    "start": {
        "now": _("Only what comes from now on"),
        "unread": _("Everything that is unread now"),
        "since": _("Everything since a date, read or not"),
    },
    "rule": {
        "never-sender": _("Not from a sender"),
        "only-sender": _("Only from a sender"),
        "never-subject": _("Not when the subject contains words"),
        "only-subject": _("Only when the subject contains words"),
        "never-recipient": _("Not to an addressee"),
        "only-recipient": _("Only to an addressee"),
        "never-kind": _("No files of a kind"),
        "only-kind": _("Only files of a kind"),
        "never-picture": _("No small pictures"),
    },
    "rule_kind": {
        "pdf": _("PDF files"),
        "picture": _("pictures"),
        "office": _("Word and Excel files"),
        "xml": _("XML files, such as e-invoices"),
        "text": _("emails without a file"),
        "other": _("other files"),
    },
    "rule_marks_read": {"True": _("Yes"), "False": _("No")},
}


def sentence(entry: AuditEntry) -> str:
    return str(SENTENCES.get(entry.code, entry.code)) % {"thing": entry.thing_name or _nameless(entry)}


def _nameless(entry: AuditEntry) -> str:
    return _removed() if entry.thing_kind in ("user", "invitation") else gettext("unknown")


def _removed() -> str:
    """Somebody whose account was erased (leaving.people)."""
    return gettext("a removed user")


def who(entry: AuditEntry) -> str:
    if entry.actor == AuditEntry.Actor.PERSON:
        return entry.actor_name or _removed()
    known = str(AuditEntry.Actor(entry.actor).label)
    return f"{known} ({entry.actor_name})" if entry.actor_name else known


def changes(entry: AuditEntry) -> list[str]:
    """`Role: User → Administrator`; without what it was where there was nothing."""
    return [
        f"{FIELDS.get(name, name)}: {_before(entry, name)}{_value(name, value)}" for name, value in entry.after.items()
    ] + [f"{FIELDS.get(name, name)}: {_value(name, entry.before[name])}" for name in entry.before if not entry.after]


def _before(entry: AuditEntry, name: str) -> str:
    was = entry.before.get(name)
    return f"{_value(name, was)} → " if was not in (None, "") else ""


def _value(name: str, value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_value(name, one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} ({_value('role', one)})" for key, one in value.items())
    return str(VALUES.get(name, {}).get(str(value), value)) or "–"
