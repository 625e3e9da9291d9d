"""What the frame and every list say the same way: moments, and where the switcher goes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

register = template.Library()
UNDO = "undo:"


@register.filter
def when(moment: datetime | None) -> SafeString | str:
    """`16:05`, `yesterday 16:05`, `22 Nov 2026, 16:05`; the full time on hover."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    full = date_format(local, "l j F Y, H:i:s")
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), full, when_text(moment))


def when_text(moment: datetime) -> str:
    local, today = timezone.localtime(moment), timezone.localdate()
    time = time_format(local, "H:i")
    if local.date() == today:
        return time
    if local.date() == today - timedelta(days=1):
        return _("yesterday %(time)s") % {"time": time}
    if local.date() == today + timedelta(days=1):
        return _("tomorrow %(time)s") % {"time": time}
    return date_format(local, "DATETIME_FORMAT")


@register.filter
def undo_url(tags: str) -> str:
    """Where a message that can be undone posts to: its extra tag is `undo:<address>`."""
    return next((tag.removeprefix(UNDO) for tag in (tags or "").split() if tag.startswith(UNDO)), "")


@register.simple_tag(takes_context=True)
def kept_page(context: dict[str, Any]) -> str:
    """The name of this page when it exists in every administration, so that switching stays on it."""
    match = getattr(context.get("request"), "resolver_match", None)
    if match is None or not match.url_name or set(match.kwargs) != {"administration_id"}:
        return ""
    try:
        reverse(match.url_name, kwargs=match.kwargs)
    except NoReverseMatch:
        return ""
    return str(match.url_name)


@register.simple_tag(takes_context=True)
def on_page(context: dict[str, Any], *names: str) -> bool:
    """Whether the page shown is one of these, or one below it (`channels` also means `channel-edit`)."""
    match = getattr(context.get("request"), "resolver_match", None)
    shown = (match.url_name or "") if match else ""
    return any(shown == name or shown.startswith(name.rstrip("s") + "-") for name in names)
