"""The form for signing in. Apart from the other forms: allauth's needs its settings when it is imported."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext


class SignInForm(LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["remember"].label = _("Stay signed in")
        self.fields["remember"].help_text = ngettext(
            "For %(days)d day on this device. Not on a computer that others use.",
            "For %(days)d days on this device. Not on a computer that others use.",
            settings.SESSION_DAYS,
        ) % {"days": settings.SESSION_DAYS}
