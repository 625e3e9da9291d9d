"""The second step of a session: an environment that asks for one asks it of each browser, not once of its person.

Whoever signed in before they had one, in a browser that somebody else may hold by now, has not shown it there.
"""

from __future__ import annotations

from typing import Any, Final

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from django.db.models import QuerySet
from django.http import HttpRequest

#: recovery codes are none: they come with one
KINDS: Final = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
#: in the session: set up in this browser, which showed a code or a key for that
SET_UP: Final = "second_step_set_up"


def second_steps() -> QuerySet[Authenticator]:
    return Authenticator.objects.filter(type__in=KINDS)


def has_shown(request: HttpRequest) -> bool:
    """Whether this session showed a second step that its person still has."""
    records = get_authentication_records(request, request.user)
    shown = request.session.get(SET_UP, False) or any(record.get("method") == "mfa" for record in records)
    return shown and second_steps().filter(user=request.user.pk).exists()


def _set_up(sender: Any, request: HttpRequest, authenticator: Authenticator, **kwargs: Any) -> None:
    if authenticator.type in KINDS:
        request.session[SET_UP] = True


def listen() -> None:
    """Once, when the app is ready."""
    authenticator_added.connect(_set_up, dispatch_uid="second_step")
