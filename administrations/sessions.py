"""How long somebody stays signed in, and ending it.

A session ends SESSION_IDLE_HOURS after its last use, which its row in the database says (SESSION_COOKIE_AGE); one that
was asked to stay has SESSION_DAYS instead. None lives longer than SESSION_DAYS after signing in.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from administrations import audit
from administrations.access import people_of_environment
from administrations.models import Environment, User

#: what the line of a browser holds, the first that fits: others call themselves Chrome and Safari too
_BROWSERS: Final = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"),
                    ("Chrome/", "Chrome"), ("CriOS/", "Chrome"), ("Safari/", "Safari"))  # fmt: skip
_SYSTEMS: Final = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
                   ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"))  # fmt: skip
#: in the session, seconds since 1970: signed in, and last noted as used
SINCE: Final = "signed_in_at"
NOTED: Final = "noted_at"
NOTED_EVERY: Final = 60  # seconds


class UsedSessionMiddleware:
    """Notes that a session is used, for its end and for the lists of sessions; ends it when its days are over."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            _end_or_note(request)
        return self.get_response(request)


def _end_or_note(request: HttpRequest) -> None:
    session, now = request.session, int(time.time())
    if now - session.get(SINCE, now) > settings.SESSION_DAYS * 86_400:
        logout(request)
        messages.warning(request, signed_out())
    elif now - session.get(NOTED, 0) >= NOTED_EVERY and "X-Asked-By-Itself" not in request.headers:  # requests.js
        session.setdefault(SINCE, now)
        session[NOTED] = now
        # At once: a request that is slow would write over what another one keeps meanwhile.
        session.save()
        session.modified = False
        UserSession.objects.create_from_request(request)


def signed_out() -> str:
    return _("You were signed out. Sign in again to go on where you were.")


def device(user_agent: str) -> str:
    """`Chrome on Android`; what a program that is no browser says of itself."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    return _("%(browser)s on %(system)s") % {"browser": browser, "system": system} if browser and system else user_agent


def sessions_of(environment: Environment) -> QuerySet[UserSession]:
    """Of its people, those that still live; last used first."""
    alive = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
    rows = UserSession.objects.filter(user__in=people_of_environment(environment).order_by(), session_key__in=alive)
    return rows.select_related("user").order_by("user__name", "user__email", "-last_seen_at")


@transaction.atomic
def end_session_of(session: UserSession, environment: Environment) -> None:
    """By a Beheerder of an environment that its person may enter."""
    audit.note("session.ended", environment, session.user, before={"device": device(session.user_agent)})
    session.end()


@transaction.atomic
def end_all_sessions_of(person: User, environment: Environment, *, but: str | None) -> None:
    """By a Beheerder of an environment that they may enter."""
    audit.note("session.all_ended", environment, person)
    end_sessions(person, but=but)


def end_sessions(person: User, *, but: str | None = None) -> None:
    """On every device, except the one whose session has this key."""
    for session in UserSession.objects.filter(user=person).exclude(session_key=but):
        session.end()
