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
