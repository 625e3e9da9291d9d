"""What commands look at beside the settings themselves."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from documents import storage

STORAGE_CURE: Final = (
    "Make the folder or bucket, make room, or give this user the right to write, read and delete in it; "
    "for a bucket look at AWS_ENDPOINT_URL and its keys too."
)
#: letters
_SHORTEST_KEY: Final = 20
#: seconds
_TAKEN_OVER_WITHIN: Final = 120


@register
def check_storage(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Only `migrate` names databases, so no other start waits for it."""
    if not databases:
        return []
    try:
        storage.probe()
    except (storage.StorageProblem, storage.BlobMissing) as problem:
        told = f"DOCUMENT_STORAGE takes no file ({storage.names()}): {storage.told(problem)}"
        return [Error(told, hint=STORAGE_CURE, id="zenvoices.E001")]
    return []


@register
def https_needs_a_proxy(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The portal itself speaks plain HTTP."""
    if not settings.BASE_URL.startswith("https:") or settings.TRUSTED_PROXY_COUNT:
        return []
    said = "BASE_URL is https and TRUSTED_PROXY_COUNT is 0: whoever comes through the proxy counts as one address."
    return [Warning(said, hint="Set TRUSTED_PROXY_COUNT to the number of proxies in front.", id="zenvoices.W001")]


@register
def names_are_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [
        Warning(f"{name} in the environment is no setting of the portal, and counts for nothing.",
                hint=f"Write {meant}, or take it away.", id="zenvoices.W002")
        for name, meant in sorted(settings.MISSPELT().items())
    ]  # fmt: skip


@register
def debug_is_for_this_machine(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A page with an error shows the code and the settings to whoever causes one."""
    if not settings.DEBUG or settings.ONLY_THIS_MACHINE:
        return []
    said = "DEBUG is true on a portal that others reach: its pages show them what no one else may see."
    return [Warning(said, hint="Take DEBUG away.", id="zenvoices.W003")]


@register
def key_cannot_be_guessed(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.ONLY_THIS_MACHINE or "SECRET_KEY" in settings.WITHHELD or len(settings.SECRET_KEY) >= _SHORTEST_KEY:
        return []
    said = f"SECRET_KEY has less than {_SHORTEST_KEY} letters: whoever guesses it signs in as anybody."
    return [Warning(said, hint=".env.example has the command that makes one.", id="zenvoices.W005")]


@register
def dead_fetch_is_taken_over_in_time(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.FETCH_LEASE_SECONDS + settings.TICK_SECONDS <= _TAKEN_OVER_WITHIN:
        return []
    said = f"FETCH_LEASE_SECONDS and TICK_SECONDS are over {_TAKEN_OVER_WITHIN} together: a dead fetch waits longer."
    return [Warning(said, hint="Lower one of them.", id="zenvoices.W006")]


@register
def lease_outlasts_silence(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Nothing is renewed while a server is waited for."""
    if settings.MAIL_SILENCE_SECONDS < settings.FETCH_LEASE_SECONDS:
        return []
    said = "FETCH_LEASE_SECONDS is not above MAIL_SILENCE_SECONDS: a fetch that waits for its server loses its lease."
    return [Warning(said, hint="Raise the one or lower the other.", id="zenvoices.W004")]


@register
def registrations_are_whole(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Only `migrate` names databases, and is given every secret."""
    halves = (
        ("GOOGLE", settings.GOOGLE_CLIENT_ID, settings.GOOGLE_CLIENT_SECRET, "GOOGLE_CLIENT_SECRET"),
        ("ENTRA", settings.ENTRA_CLIENT_ID, settings.ENTRA_CLIENT_SECRET or settings.ENTRA_CLIENT_CERTIFICATE,
         "ENTRA_CLIENT_SECRET or ENTRA_CLIENT_CERTIFICATE"),
    )  # fmt: skip
    return [
        Error(f"Of {provider}_CLIENT_ID and {named} only one is set: nobody can link a mailbox that way.",
              hint="Set both, or neither.", id="zenvoices.E002")
        for provider, known, proof, named in halves
        if databases and bool(known) != bool(proof)
    ]  # fmt: skip


def said_of_settings() -> list[CheckMessage]:
    """What is no reason not to start, for `doctor`."""
    names = ["default"]
    return [
        *https_needs_a_proxy(None), *names_are_settings(None), *debug_is_for_this_machine(None),
        *key_cannot_be_guessed(None), *dead_fetch_is_taken_over_in_time(None), *lease_outlasts_silence(None),
        *registrations_are_whole(None, names),
    ]  # fmt: skip
