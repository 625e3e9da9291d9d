"""For pages of other apps, which know no channels."""

from __future__ import annotations

from django import template

from channels.pages.first_step import FirstStep
from channels.pages.first_step import first_step as found

register = template.Library()


@register.simple_tag
def first_step() -> FirstStep:
    return found()
