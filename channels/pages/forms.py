"""What a person may type about a channel."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels import connect, meanwhile, presets
from channels.links import providers
from channels.models import Channel, ConnectionCheck
from channels.pages.after_form import AFTER, AfterForm
from channels.pages.folder_form import FolderForm
from channels.pages.form_fields import (
    CERTIFICATE_REFUSED,
    FIELDS_OF,
    GOOGLE_ID,
    GOOGLE_SECRET,
    LEFT_OUT,
    NO_DIRECTORY,
    SECRET_MONTHS,
    LineField,
    in_months,
    is_guid,
    is_hostname,
    plain,
    secret,
    secret_lines,
)
from channels.pages.start_form import StartForm
from channels.presets import DEFAULT_PORTS, is_microsoft_host
from channels.services import BOUND, BOUND_TO_SECRET
from channels.words.phrases import phrase
from zenvoices.lib import seen
from zenvoices.lib.fields import NameField
from zenvoices.lib.keypairs import KeyPairProblem, read_pair
from zenvoices.lib.seen import Seen, SeenForm

#: tab "General"; every other field stands on "Settings"
GENERAL_FIELDS = ("name", "active")
#: what services.create_channel and update_channel take, without the secrets
_SAVED = ("name", "folder", "more_folders", *AFTER, "secret_expires_on", *BOUND_TO_SECRET)
#: a secret replaced this long before its end has another end date
_SAME_END = timedelta(days=180)


class TypeForm(forms.Form):
    """Step 1: the kind of channel."""

    kind = forms.ChoiceField(choices=[("email", _("Email"))], widget=forms.RadioSelect, initial="email")


class ChannelForm(AfterForm, FolderForm, StartForm, SeenForm):
    """Step 2 and editing. `channel` is None for a new one; `stored`: the names of its secrets that are kept already.

    `typed`: what stands in it instead of the channel, as it was read before (ConnectionCheck.typed). `listed`: the
    check that listed the folders of the mailbox. `was`: how the channel stood then (channels.meanwhile).
    """

    name = NameField(label=_("Name"), max_length=120, help_text=_("For example the email address."))
    active = forms.BooleanField(
        label=_("Active"),
        required=False,
        initial=True,
        help_text=_("Documents are retrieved every half hour. Without the tick nothing is retrieved."),
    )
    protocol = forms.ChoiceField(label=_("Protocol"), choices=Channel.Protocol.choices)
    auth = forms.ChoiceField(label=_("Authentication type"), choices=Channel.Auth.choices)
    own_registration = forms.BooleanField(
        label=_("Use an app registration of our own"),
        required=False,
        help_text=_("Not needed: this portal has an app of its own."),
    )
    tenant_id = LineField(label=_("Directory (tenant) ID"), max_length=255, required=False, widget=plain())
    client_id = LineField(label=_("Client id"), max_length=255, required=False, widget=plain())
    client_secret = LineField(label=_("Client secret"), max_length=1000, required=False, widget=secret())
    client_certificate = forms.CharField(
        label=_("Certificate (instead of client secret)"), max_length=50_000, required=False, widget=secret_lines(),
        help_text=_("Private key and certificate in one PEM file. Its end date is read from it."),
    )  # fmt: skip
    secret_expires_on = forms.DateField(
        label=_("End date of the client secret"),
        required=False,
        help_text=_("As Entra shows it under Expires. You are reminded in time."),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"invalid": _("Enter a date.")},
    )
    username = LineField(
        label=_("Username"), max_length=320, help_text=_("Mostly the full email address."), widget=plain()
    )
    signs_in_as = LineField(
        label=_("Signs in as"),
        max_length=320,
        required=False,
        help_text=_("Only for a shared mailbox: the address of a person who may open it."),
        widget=plain(),
    )
    app_only = forms.BooleanField(
        label=_("Without a person (app-only)"),
        required=False,
        help_text=_("The app signs in by itself, with permissions that an administrator gave it."),
    )
    password = LineField(label=_("Password"), required=False, strip=False, max_length=1000, widget=secret())
    host = LineField(label=_("Hostname"), max_length=253, required=False, widget=plain())
    port = forms.IntegerField(
        label=_("Port"), min_value=1, max_value=65535, required=False,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), _("Enter a number from 1 to 65535.")),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )  # fmt: skip
    security = forms.ChoiceField(label=_("Security"), choices=Channel.Security.choices, required=False)

    def __init__(
        self, data: Any = None, *, channel: Channel | None = None, stored: Collection[str] = (),
        typed: Mapping[str, Any] | None = None, listed: ConnectionCheck | None = None, was: Seen | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        self.channel, self.stored = channel, stored
        again = dict(typed or {})
        if "client_id" in again:
            again["own_registration"] = bool(again["client_id"])
        if was:
            again["seen"] = seen.kept(was)
        super().__init__(data, initial=_initial(channel) | again, **kwargs)
        self.fields["name"].widget.attrs["autocomplete"] = "off"
        self.offer(listed)

    # --- Reading --------------------------------------------------------------------------------------

    def clean(self) -> dict[str, Any]:
        super().clean()
        auth = self.cleaned_data.get("auth", "")
        if auth in FIELDS_OF:
            self._leave_out(FIELDS_OF[auth])
            self._password_fields() if auth == Channel.Auth.PASSWORD else self._provider_fields(auth)
        return self.cleaned_data

    def _leave_out(self, asked: frozenset[str]) -> None:
        """Fields of other ways of signing in stand hidden on the page: whatever is in them is no mistake."""
        for name in frozenset().union(*FIELDS_OF.values()) - asked:
            self.errors.pop(name, None)
            self.cleaned_data[name] = LEFT_OUT.get(name, "")

    def _password_fields(self) -> None:
        data = self.cleaned_data
        if "host" in data:
            self._read_host(data["host"].rstrip("."))
        self._refuse_unreachable()
        if not data.get("security") and "security" in data:
            self.add_error("security", forms.ValidationError(_("Choose one."), code="required"))
        if "port" in data and data["port"] is None and {"protocol", "security"} <= data.keys():
            data["port"] = DEFAULT_PORTS[data["protocol"], data["security"]]
        if not self.errors and not data["password"]:
            said = _("Enter the password again: it is not sent to another server or account.")
            self._require_secret("password", _("Enter the password."), said)

    def _read_host(self, host: str) -> None:
        self.cleaned_data["host"] = host
        if not host:
            self._refuse("host", _("Enter the hostname of the mail server."), "required")
        elif not is_hostname(host):
            self._refuse("host", _("Enter only the hostname, for example imap.example.com."), "host")
        elif is_microsoft_host(host):
            self._refuse("host", str(phrase("microsoft_needs_entra")), "microsoft_needs_entra")

    def _refuse_unreachable(self) -> None:
        for name in ("username", "host"):
            if preset := presets.unreachable_by(self.cleaned_data.get(name, "")):
                said = _("%(provider)s cannot be linked. Forward your invoices to another mailbox, and link that one.")
                self._refuse(name, said % {"provider": preset.provider}, "unreachable")
                return

    def _provider_fields(self, auth: str) -> None:
        data = self.cleaned_data
        if data["app_only"]:
            data["signs_in_as"] = ""
        if "protocol" in data:
            data |= connect.server_fields(auth, data["protocol"])
        for name in ("username", "signs_in_as"):
            self._read_address(auth, name)
        if auth not in providers.portal_apps() or data["own_registration"]:
            self._own_registration(auth)
        else:
            self._registration_of_the_portal()

    def _read_address(self, auth: str, name: str) -> None:
        address = self.cleaned_data.get(name, "")
        if address and not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
            self._refuse(name, _("Enter the full email address."), "address")
        elif auth == Channel.Auth.ENTRA and presets.is_personal_microsoft(address):
            said = _("Choose a mailbox of an organisation: Microsoft lets no personal account be linked.")
            self._refuse(name, said, "personal")

    def _registration_of_the_portal(self) -> None:
        """Everything about a registration is ours; only who signs in is asked."""
        for name in FIELDS_OF["entra"] - {"own_registration", "signs_in_as"}:
            self.errors.pop(name, None)
            self.cleaned_data[name] = LEFT_OUT.get(name, "")

    def _own_registration(self, auth: str) -> None:
        data = self.cleaned_data
        if not data.get("client_id") and "client_id" in data:
            self._refuse("client_id", _("Enter the client id of the app registration."), "required")
        if auth == Channel.Auth.ENTRA:
            self._entra_registration()
        else:
            self._google_registration()
        if self.errors or data["client_secret"] or data["client_certificate"]:
            return
        if "client_certificate" in self.stored:
            said = _("Enter the certificate again: it is not used for another registration.")
            self._require_secret("client_certificate", "", said)
        else:
            said = _("Enter the client secret again: it is not sent for another registration.")
            self._require_secret("client_secret", _("Enter the client secret."), said)

    def _google_registration(self) -> None:
        if self.cleaned_data.get("client_id", "").startswith(GOOGLE_SECRET):
            self._refuse("client_id", _("Enter the client id here: this is the client secret."), "swapped")
        if self.cleaned_data.get("client_secret", "").endswith(GOOGLE_ID):
            self._refuse("client_secret", _("Enter the client secret here: this is the client id."), "swapped")

    def _entra_registration(self) -> None:
        data = self.cleaned_data
        if data.get("client_id") and not is_guid(data["client_id"]):
            self._refuse("client_id", _("Copy the Application (client) ID: 32 characters with dashes."), "guid")
        if not data.get("tenant_id") and "tenant_id" in data:
            self._refuse("tenant_id", _("Copy the Directory (tenant) ID from Entra."), "required")
        self._check_tenant()
        if is_guid(data.get("client_secret", "")):
            said = _("Copy the Value of the client secret: this is its Secret ID.")
            self._refuse("client_secret", said, "secret_id")
        if data.get("client_certificate"):
            self._read_certificate(data["client_certificate"])
        elif self._keeps_certificate():
            self.errors.pop("secret_expires_on", None)
            data["secret_expires_on"] = self.channel.secret_expires_on if self.channel else None
        else:
            self._check_end(data.get("secret_expires_on"))

    def _keeps_certificate(self) -> bool:
        return "client_certificate" in self.stored and not self.cleaned_data.get("client_secret")

    def _read_certificate(self, text: str) -> None:
        """Its own end is the end."""
        self.errors.pop("secret_expires_on", None)
        if self.cleaned_data.get("client_secret"):
            self._refuse("client_certificate", _("Enter the client secret or the certificate, not both."), "both")
            return
        try:
            pair = read_pair(text)
        except KeyPairProblem as problem:
            self._refuse("client_certificate", CERTIFICATE_REFUSED[problem.reason], problem.reason)
            return
        if pair.ends_at < timezone.now():
            self._refuse("client_certificate", _("Make a new certificate: this one has expired."), "expired")
        self.cleaned_data["client_certificate"] = f"{pair.key}\n{pair.certificate}\n"
        self.cleaned_data["secret_expires_on"] = timezone.localdate(pair.ends_at)

    def _check_tenant(self) -> None:
        tenant = self.cleaned_data.get("tenant_id", "").lower()
        if tenant in NO_DIRECTORY:
            said = _("Enter the directory of your own organisation; this one stands for everybody.")
            self._refuse("tenant_id", said, "no_directory")
        elif tenant and not (is_guid(tenant) or ("." in tenant and is_hostname(tenant))):
            self._refuse("tenant_id", _("Copy the Directory (tenant) ID, or enter your domain name."), "tenant")

    def _check_end(self, end: date | None) -> None:
        if end is None or "secret_expires_on" in self.errors:
            return
        before = self.channel.secret_expires_on if self.channel else None
        if end < timezone.localdate() and (end != before or self.cleaned_data.get("client_secret")):
            self._refuse("secret_expires_on", _("Enter a day in the future: this one is over."), "past")
        elif end == before and self.cleaned_data.get("client_secret") and end - timezone.localdate() < _SAME_END:
            self._refuse("secret_expires_on", _("Enter the end date of the new client secret."), "unchanged")

    def _require_secret(self, name: str, missing: Any, moved: Any) -> None:
        if name not in self.stored:
            self._refuse(name, missing, "required")
        elif self.channel and self._differs(name):
            self._refuse(name, moved, "moved")

    def _refuse(self, name: str, said: Any, code: str) -> None:
        self.add_error(name, forms.ValidationError(said, code=code))

    # --- What was read ----------------------------------------------------------------------------------

    @property
    def channel_fields(self) -> dict[str, Any]:
        """What services.create_channel and update_channel take, without the secrets."""
        return {name: self.cleaned_data[name] for name in _SAVED}

    @property
    def typed(self) -> dict[str, Any]:
        """Also where something is wrong with it: then as it was typed."""
        names = (*_SAVED, *(("start", "start_date") if self.chooses_start else ()), "active")
        return {name: self.cleaned_data.get(name, self.data.get(name, "")) for name in names}

    @property
    def secrets(self) -> dict[str, str]:
        """Those that were typed now."""
        typed = {name: self.cleaned_data.get(name) for name in ("password", "client_secret", "client_certificate")}
        return {name: value for name, value in typed.items() if value}

    @property
    def connects_otherwise(self) -> bool:
        """Whether anything that the connection check looks at differs from the stored channel."""
        if self.channel is None or self.secrets:
            return True
        looked_at = ("folder", "more_folders", *AFTER, *BOUND_TO_SECRET)
        return any(getattr(self.channel, name) != self.cleaned_data[name] for name in looked_at)

    @property
    def app_changed(self) -> bool:
        """An app signs in by itself: what was typed about it is checked as it is stored."""
        return bool(self.cleaned_data["app_only"]) and self._differs("tokens")

    def _differs(self, secret: str) -> bool:
        """Whether this secret, as it is kept, is not for what was typed."""
        return self.channel is None or any(
            getattr(self.channel, name) != self.cleaned_data[name] for name in BOUND[secret]
        )

    @property
    def wants_link(self) -> bool:
        """Whether somebody must authorise it first, or again: the link that stands is for something else."""
        data, channel = self.cleaned_data, self.channel
        if data["auth"] == Channel.Auth.PASSWORD or data["app_only"]:
            return False
        linked = channel is not None and channel.linked_at is not None
        return not linked or self._differs("tokens")


def _initial(channel: Channel | None) -> dict[str, Any]:
    end = in_months(timezone.localdate(), SECRET_MONTHS)
    if channel is None:
        return {"port": DEFAULT_PORTS["imap", "tls"], "secret_expires_on": end}
    names = ("name", "folder", "more_folders", *AFTER, "start", "start_date", *BOUND_TO_SECRET)
    fields = {name: getattr(channel, name) for name in names}
    known = channel.auth == Channel.Auth.ENTRA and bool(channel.client_id)
    return fields | {
        "active": meanwhile.is_wanted(channel),
        "own_registration": bool(channel.client_id),
        "secret_expires_on": channel.secret_expires_on if known else end,
    }
