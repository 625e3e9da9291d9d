"""What the frame and every list say the same way: moments, and where the switcher goes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from administrations.sessions import device
from zenvoices.lib.own_addresses import page_before
from zenvoices.lib.sizes import size_said

register = template.Library()
register.filter("device", device)
register.filter("size", size_said)
UNDO = "undo:"


@register.filter
def when(moment: datetime | None) -> SafeString | str:
    """`16:05`, `yesterday 16:05`, `22 Nov 2026, 16:05`; the full time on hover."""
    return _written(moment, when_text) if moment else ""


@register.filter
def at(moment: datetime | None) -> SafeString | str:
    """The same within a sentence: `at 16:05`, `yesterday at 16:05`, `on 22 Nov 2026, 16:05`."""
    return _written(moment, at_text) if moment else ""


def when_text(moment: datetime) -> str:
    local = timezone.localtime(moment)
    time, day = time_format(local, "H:i"), _days_from_today(local)
    known = {0: "%(time)s", -1: _("yesterday %(time)s"), 1: _("tomorrow %(time)s")}
    return known[day] % {"time": time} if day in known else date_format(local, "DATETIME_FORMAT")


def at_text(moment: datetime) -> str:
    local = timezone.localtime(moment)
    time, day = time_format(local, "H:i"), _days_from_today(local)
    known = {0: _("at %(time)s"), -1: _("yesterday at %(time)s"), 1: _("tomorrow at %(time)s")}
    return known.get(day, _("on %(moment)s")) % {"time": time, "moment": date_format(local, "DATETIME_FORMAT")}


def _written(moment: datetime, words: Callable[[datetime], str]) -> SafeString:
    local = timezone.localtime(moment)
    full = date_format(local, "l j F Y, H:i:s")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', local.isoformat(timespec="seconds"), full, words(moment)
    )


def _days_from_today(local: datetime) -> int:
    return (local.date() - timezone.localdate()).days


@register.filter
def undo_url(tags: str) -> str:
    """Where a message that can be undone posts to: its extra tag is `undo:<address>`."""
    return next((tag.removeprefix(UNDO) for tag in (tags or "").split() if tag.startswith(UNDO)), "")


@register.filter
def words(text: str) -> list[str]:
    return text.split()


@register.simple_tag
def icon(name: str, size: int) -> SafeString:
    """One that `_icons.html` drew on this page: of fifty rows, a drawing in each would be most of the bytes."""
    drawn = '<svg width="{0}" height="{0}" viewBox="0 0 24 24" aria-hidden="true"><use href="#icon-{1}"/></svg>'
    return format_html(drawn, size, name)


@register.simple_tag(takes_context=True)
def kept_page(context: dict[str, Any]) -> str:
    """The name of this page when it exists in every administration, so that switching stays on it.

    What takes a form may be no page: nobody is led there.
    """
    request = context.get("request")
    match = getattr(request, "resolver_match", None)
    if match is None or not match.url_name or set(match.kwargs) != {"administration_id"} or not _is_asked_for(request):
        return ""
    try:
        reverse(match.url_name, kwargs=match.kwargs)
    except NoReverseMatch:
        return ""
    return str(match.url_name)


@register.simple_tag(takes_context=True)
def this_page(context: dict[str, Any]) -> str:
    """Where the NL|EN switch stays: this page; where it answers a form, the page of that form."""
    request = context["request"]
    if _is_asked_for(request):
        return str(request.get_full_path())
    return page_before(request) or reverse("home")


def _is_asked_for(request: Any) -> bool:
    return request.method in ("GET", "HEAD")


@register.simple_tag(takes_context=True)
def on_page(context: dict[str, Any], *names: str) -> bool:
    """Whether the page shown is one of these, or one below it (`channels` also means `channel-edit`)."""
    match = getattr(context.get("request"), "resolver_match", None)
    shown = (match.url_name or "") if match else ""
    return any(shown == name or shown.startswith(name.rstrip("s") + "-") for name in names)
