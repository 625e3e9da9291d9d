"""The form for a new passkey. Apart from the other forms: allauth's needs its settings when it is imported."""

from __future__ import annotations

from typing import Any

from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django.utils.translation import gettext_lazy as _

from zenvoices.lib.lines import plain_line


class AddPasskeyForm(AddWebAuthnForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name")

    def clean_name(self) -> str:
        return plain_line(self.cleaned_data["name"])
