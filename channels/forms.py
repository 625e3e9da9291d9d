"""What a person may type about a channel."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from channels.models import Channel
from channels.phrases import phrase
from channels.presets import DEFAULT_PORTS, is_microsoft_host
from channels.services import BOUND_TO_SECRET, CONTROL

_HOST_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE)
#: tab "General"; every other field stands on "Settings"
GENERAL_FIELDS = ("name", "active")


class LineField(forms.CharField):
    """One line of text: a CR, LF or NUL could end a command to the mail server."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        if CONTROL.search(text):
            said = phrase("unsafe_characters")
            raise forms.ValidationError(str(said), code="unsafe_characters")
        return text


class AuthSelect(forms.Select):
    """Shows every way of signing in; those that cannot be chosen yet are disabled."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        if value != Channel.Auth.PASSWORD:
            option["attrs"]["disabled"] = True
        return option


class TypeForm(forms.Form):
    """Step 1: the kind of channel."""

    kind = forms.ChoiceField(choices=[("email", _("Email"))], widget=forms.RadioSelect, initial="email")


class ChannelForm(forms.Form):
    """Step 2 and editing. `channel` is None for a new one; `secret_set`: its password is stored already."""

    name = LineField(label=_("Name"), max_length=120, help_text=_("For example the email address."))
    active = forms.BooleanField(
        label=_("Active"),
        required=False,
        initial=True,
        help_text=_("Documents are retrieved every half hour. Without the tick nothing is retrieved."),
    )
    protocol = forms.ChoiceField(label=_("Protocol"), choices=Channel.Protocol.choices)
    auth = forms.ChoiceField(
        label=_("Authentication type"),
        choices=Channel.Auth.choices,
        widget=AuthSelect,
        help_text=_("Gmail OAuth2 and Entra OAuth2 follow; they cannot be chosen yet."),
    )
    username = LineField(
        label=_("Username"), max_length=320, help_text=_("Mostly the full email address."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )  # fmt: skip
    password = LineField(
        label=_("Password"), required=False, strip=False, max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "hx-preserve": "true"}),
    )  # fmt: skip
    host = LineField(
        label=_("Hostname"), max_length=253,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )  # fmt: skip
    port = forms.IntegerField(
        label=_("Port"), min_value=1, max_value=65535, required=False,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), _("Enter a number from 1 to 65535.")),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )  # fmt: skip
    security = forms.ChoiceField(label=_("Security"), choices=Channel.Security.choices)
    folder = LineField(
        label=_("Folder"), max_length=255, required=False, initial="INBOX",
        help_text=_("INBOX is the inbox. Only unread emails in this folder are retrieved."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip

    def __init__(
        self, data: Any = None, *, channel: Channel | None = None, secret_set: bool = False, **kwargs: Any
    ) -> None:
        self.channel, self.secret_set = channel, secret_set
        super().__init__(data, initial=_initial(channel), **kwargs)
        self.fields["name"].widget.attrs["autocomplete"] = "off"

    def clean_auth(self) -> str:
        if self.cleaned_data["auth"] != Channel.Auth.PASSWORD:
            raise forms.ValidationError(_("Choose username and password; this way of signing in follows."))
        return str(self.cleaned_data["auth"])

    def clean_host(self) -> str:
        host = self.cleaned_data["host"].rstrip(".")
        if not _is_hostname(host):
            raise forms.ValidationError(_("Enter only the hostname, for example imap.example.com."), code="host")
        if is_microsoft_host(host):
            raise forms.ValidationError(str(phrase("microsoft_needs_entra")), code="microsoft_needs_entra")
        return str(host)

    def clean_folder(self) -> str:
        is_pop = self.cleaned_data.get("protocol") == Channel.Protocol.POP3
        return "INBOX" if is_pop else self.cleaned_data["folder"] or "INBOX"

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "port" in data and data["port"] is None and {"protocol", "security"} <= data.keys():
            data["port"] = DEFAULT_PORTS[data["protocol"], data["security"]]
        if not self.errors and not data["password"]:
            self._require_password()
        return data

    def _require_password(self) -> None:
        if not self.secret_set:
            self.add_error("password", forms.ValidationError(_("Enter the password."), code="required"))
        elif self.channel and any(getattr(self.channel, name) != self.cleaned_data[name] for name in BOUND_TO_SECRET):
            said = _("Enter the password again: it is not sent to another server or account.")
            self.add_error("password", forms.ValidationError(said, code="moved"))

    @property
    def channel_fields(self) -> dict[str, Any]:
        """What services.create_channel and update_channel take, without the password."""
        return {name: self.cleaned_data[name] for name in ("name", "folder", *BOUND_TO_SECRET)}

    @property
    def connects_otherwise(self) -> bool:
        """Whether anything that the connection check looks at differs from the stored channel."""
        if self.channel is None or self.cleaned_data["password"]:
            return True
        return any(getattr(self.channel, name) != self.cleaned_data[name] for name in ("folder", *BOUND_TO_SECRET))


def _initial(channel: Channel | None) -> dict[str, Any]:
    if channel is None:
        return {"port": DEFAULT_PORTS["imap", "tls"]}
    fields = {name: getattr(channel, name) for name in ("name", "folder", *BOUND_TO_SECRET)}
    return fields | {"active": channel.state != Channel.State.INACTIVE or bool(channel.inactive_reason)}


def _is_hostname(host: str) -> bool:
    """A DNS name (international ones too) or an IPv4 address; what it points to is the check's business."""
    try:
        plain = host.encode("idna").decode()
    except UnicodeError:
        return False
    return all(_HOST_LABEL.fullmatch(label) for label in plain.split("."))
