"""What django-allauth does with people's sign-ins and second steps, told by its signals.

A person belongs to no administration: what they do with their account stands in each environment that they may enter,
so that its Beheerder sees it for as long as that environment keeps it. What fits no person is the portal's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from allauth.account.signals import password_changed, password_reset, password_set
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authentication_failed, authenticator_used
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.db.models.signals import post_delete, post_save

from administrations import audit
from administrations.access import environments_of
from administrations.models import Environment, User

#: URL names of allauth whose POST runs in one transaction, so that its change and our line are one
IN_ONE_TRANSACTION: Final = ("mfa_", "account_change_password", "account_reset_password_from_key")


def note_person(code: str, user: User, *, known: bool = True, after: audit.Facts | None = None) -> None:
    """`known`: it was they; else somebody who says so."""
    places: list[Environment | None] = [*environments_of(user)]
    for place in places or [None]:
        if known:
            audit.note(code, place, user, by=user, after=after)
        else:
            audit.note_guest(code, place, user, after=after)


def _signed_in(sender: Any, user: User, **kwargs: Any) -> None:
    note_person("sign_in.succeeded", user)


def _not_signed_in(sender: Any, credentials: dict[str, Any], **kwargs: Any) -> None:
    """An address that nobody has is not kept: people type their password in the wrong field."""
    named = User.objects.filter(email__iexact=str(credentials.get("email") or "")).first()
    if named:
        note_person("sign_in.failed", named, known=False)
    else:
        audit.note_guest("sign_in.failed", None)


def _second_step(code: str, *, known: bool = True) -> Callable[..., None]:
    def receive(sender: Any, user: User, authenticator: Any = None, **kwargs: Any) -> None:
        kind = {"type": str(authenticator.type)} if authenticator else {}
        note_person(code, user, known=known, after=kind)

    return receive


def _kept(sender: Any, instance: Authenticator, created: bool, **kwargs: Any) -> None:
    """allauth's own signal comes after the commit."""
    if created:
        note_person("two_factor.set_up", instance.user, after={"type": str(instance.type)})


def _removed(sender: Any, instance: Authenticator, **kwargs: Any) -> None:
    note_person("two_factor.removed", instance.user, after={"type": str(instance.type)})


def _password(code: str) -> Callable[..., None]:
    def receive(sender: Any, user: User, **kwargs: Any) -> None:
        note_person(code, user)

    return receive


def listen() -> None:
    """Once, when the app is ready."""
    user_logged_in.connect(_signed_in, dispatch_uid="audit")
    user_login_failed.connect(_not_signed_in, dispatch_uid="audit")
    post_save.connect(_kept, sender=Authenticator, dispatch_uid="audit")
    post_delete.connect(_removed, sender=Authenticator, dispatch_uid="audit")
    authenticator_used.connect(_second_step("two_factor.used"), dispatch_uid="audit", weak=False)
    authentication_failed.connect(_second_step("two_factor.failed", known=False), dispatch_uid="audit", weak=False)
    for signal, code in (
        (password_changed, "password.changed"),
        (password_set, "password.changed"),
        (password_reset, "password.reset"),
    ):
        signal.connect(_password(code), dispatch_uid="audit", weak=False)
