"""Every request says for whom it works; what allauth changes and our line about it are one transaction."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from allauth.account.middleware import AccountMiddleware
from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from administrations.audit_people import IN_ONE_TRANSACTION
from administrations.models import User
from zenvoices.lib.origin import Origin, working_for


class AuditMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        #: Django asks no middleware about what is raised within process_view
        self._allauths_answer = AccountMiddleware(get_response).process_exception

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with working_for(Origin(request=request)):
            return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: list[Any], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        match = request.resolver_match
        if request.method != "POST" or match is None or not (match.url_name or "").startswith(IN_ONE_TRANSACTION):
            return None
        request.mails_to_send = []  # type: ignore[attr-defined]
        try:
            with transaction.atomic():
                _hold(kwargs.get("uidb36", request.user.pk))
                response = view(request, *args, **kwargs)
        except (ImmediateHttpResponse, ReauthenticationRequired) as raised:
            return self._allauths_answer(request, raised)
        for send in request.mails_to_send:  # type: ignore[attr-defined]
            send()  # a mail server may take its time, and no row waits for it
        return response


def _hold(person_id: Any) -> None:
    """One after the other: the second that comes with the same link, or sets up the same, finds it done."""
    with suppress(ValidationError):  # a link that is none
        list(User.objects.select_for_update(no_key=True).filter(pk=person_id))
