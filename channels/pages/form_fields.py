"""What the channel form is made of: fields of one line, and the marks by which a wrong paste is known."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from channels.models import Channel
from channels.services import CONTROL
from channels.words.phrases import phrase
from zenvoices.lib import net

_HOST_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
#: way of signing in -> the fields that only some ways ask for; what is not asked for is not looked at
FIELDS_OF: Final[dict[str, frozenset[str]]] = {
    "password": frozenset({"password", "host", "port", "security"}),
    "google": frozenset({"own_registration", "client_id", "client_secret"}),
    "entra": frozenset(
        {
            "own_registration",
            "tenant_id",
            "client_id",
            "client_secret",
            "client_certificate",
            "secret_expires_on",
            "signs_in_as",
            "app_only",
        }
    ),
}
#: what a field that is not asked for becomes
LEFT_OUT: Final = {"port": None, "security": Channel.Security.TLS, "app_only": False, "secret_expires_on": None}
#: Microsoft's names for "any directory", and the one that all personal accounts live in
NO_DIRECTORY: Final = ("common", "organizations", "consumers", "9188040d-6c67-4c5b-b112-36a304b66dad")
#: why a certificate is refused (zenvoices.lib.keypairs), in words
CERTIFICATE_REFUSED: Final = {
    "no_key": _("Add the private key: the part that begins with BEGIN PRIVATE KEY."),
    "no_certificate": _("Add the certificate: the part that begins with BEGIN CERTIFICATE."),
    "locked": _("Take the password off the private key: it is kept encrypted here."),
    "not_rsa": _("Make a certificate with an RSA key: Microsoft takes no other."),
    "apart": _("Enter the key and the certificate that belong together: these do not."),
}
#: Google's client secrets begin so, its client ids end so: pasted the wrong way round more often than not
GOOGLE_SECRET, GOOGLE_ID = "GOCSPX-", ".apps.googleusercontent.com"
#: Entra allows at most 24 months
SECRET_MONTHS = 24


class LineField(forms.CharField):
    """One line of text: a CR, LF or NUL could end a command to the mail server."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        if CONTROL.search(text):
            said = phrase("unsafe_characters")
            raise forms.ValidationError(str(said), code="unsafe_characters")
        return text


def plain(**attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"} | attributes)


def secret() -> forms.PasswordInput:
    return forms.PasswordInput(attrs={"autocomplete": "new-password", "hx-preserve": "true"})


class HiddenTextarea(forms.Textarea):
    """Several lines that are typed and never shown again."""

    def format_value(self, value: Any) -> str:
        return ""


def secret_lines() -> forms.Textarea:
    plain_text = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
    return HiddenTextarea(attrs={"rows": 4, "hx-preserve": "true", **plain_text})


def is_guid(text: str) -> bool:
    return _GUID.fullmatch(text) is not None


def is_hostname(host: str) -> bool:
    """A DNS name (international ones too) or an IPv4 address; what it points to is the check's business."""
    try:
        plain_name = net.to_ascii(host)
    except UnicodeError:
        return False
    return all(_HOST_LABEL.fullmatch(label) for label in plain_name.split("."))


def in_months(day: date, months: int) -> date:
    """The same day of that month; the 28th for the last days of a month."""
    years, month = divmod(day.month - 1 + months, 12)
    return day.replace(year=day.year + years, month=month + 1, day=min(day.day, 28))
