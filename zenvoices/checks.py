"""What `manage.py check`, and so every command, says of settings that do not fit together."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register


@register
def https_needs_a_proxy(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The portal itself speaks plain HTTP."""
    if not settings.BASE_URL.startswith("https:") or settings.TRUSTED_PROXY_COUNT:
        return []
    said = "BASE_URL is https and TRUSTED_PROXY_COUNT is 0: whoever comes through the proxy counts as one address."
    return [Warning(said, hint="Set TRUSTED_PROXY_COUNT to the number of proxies in front.", id="zenvoices.W001")]
