"""The icons of channels' rows."""

from __future__ import annotations

from django import template

from channels.pages.rows import ICONS

register = template.Library()
_BESIDE_THE_PILL = {
    "bell-off", "calendar-x", "link", "mail-warning", "pause", "pencil", "play", "refresh-cw", "scroll-text",
    "triangle-alert",
}  # fmt: skip


@register.simple_tag
def row_icons() -> list[str]:
    return sorted({*ICONS, *_BESIDE_THE_PILL})
