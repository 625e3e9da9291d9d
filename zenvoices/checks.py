"""What `migrate` looks at beside the settings themselves, and no other start waits for."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from documents import storage

STORAGE_CURE: Final = (
    "Make the folder or bucket, make room, or give this user the right to write, read and delete in it; "
    "for a bucket look at AWS_ENDPOINT_URL and its keys too."
)


@register
def check_storage(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Only `migrate` names databases."""
    if not databases:
        return []
    try:
        storage.probe()
    except (storage.StorageProblem, storage.BlobMissing) as problem:
        place = settings.DOCUMENT_STORAGE or f"{settings.DATA_DIR}/documents"
        told = f"DOCUMENT_STORAGE takes no file ({place}): {storage.told(problem)}"
        return [Error(told, hint=STORAGE_CURE, id="zenvoices.E001")]
    return []
