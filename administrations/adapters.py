"""How signing in behaves: people come by invitation only."""

from __future__ import annotations

import time
from functools import partial
from smtplib import SMTPException
from typing import Any
from urllib.parse import urlsplit

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from django.contrib import messages
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from administrations import sign_in_brakes
from administrations.models import User
from administrations.sessions import SINCE, end_sessions
from zenvoices.lib.addresses import address_of
from zenvoices.lib.own_addresses import absolute, own_path

log = structlog.get_logger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """For allauth's limits and the list of sessions; its own reading fails at a header that is too short."""
        return address_of(request.META) or super().get_client_ip(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Instead of allauth's limit, which counts everybody's tries against the account's owner."""
        sign_in_brakes.hold_back(request, credentials.get("email", ""))

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user:
            sign_in_brakes.let_go(request, credentials.get("email", ""))
        return user

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """allauth's name for what it does after a new password by mail."""
        sign_in_brakes.start_anew(request, credentials.get("email", ""))

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **facts: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **facts)
        sign_in_brakes.remember_browser(request, response, user.get_username())
        return response

    def format_email_subject(self, subject: str) -> str:
        return subject

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("my-security")

    def is_safe_url(self, url: str) -> bool:
        """allauth would lead to any name that we answer to."""
        return own_path(url) != ""

    def get_reset_password_from_key_url(self, key: str) -> str:
        """allauth asks the request, and so whoever made it, where we are."""
        return absolute(urlsplit(super().get_reset_password_from_key_url(key)).path)

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return absolute(urlsplit(super().get_email_confirmation_url(request, emailconfirmation)).path)

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        super().login(request, user)
        request.session[SINCE] = int(time.time())

    def set_password(self, user: User, password: str) -> None:
        """Ends what the old one opened; links for a new one end with it, since they are made of its hash."""
        super().set_password(user, password)
        here = self.request.session.session_key if self.request.user == user else None
        end_sessions(user, but=here)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """After the transaction of the request, where it has one (AuditMiddleware)."""
        waiting = getattr(self.request, "mails_to_send", None)
        if waiting is None:
            self._send(template_prefix, email, context)
        else:
            waiting.append(partial(self._send, template_prefix, email, context))

    def _send(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """A mail server that is down breaks no page; whether the address is known is not told by it."""
        try:
            super().send_mail(template_prefix, email, context)
        except (SMTPException, OSError) as problem:
            log.warning("account mail not sent", template=template_prefix, problem=type(problem).__name__)
            messages.error(self.request, _("The email could not be sent. Try again later."))
