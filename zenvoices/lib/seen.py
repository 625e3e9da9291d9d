"""What stood in a form when it was opened. It goes along in a hidden field, so that whoever saves an hour later takes
nothing back unseen that somebody else saved meanwhile.

It is no secret and not signed: whoever changes it overwrites with open eyes what they may write anyway.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from django import forms

Seen = Mapping[str, str]
NOTHING: Final[Seen] = {}


class SeenForm(forms.Form):
    """`seen`: how what it changes stood when this form was opened."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    @property
    def was_seen(self) -> dict[str, str]:
        return read(self.cleaned_data["seen"])


def kept(values: Seen) -> str:
    return json.dumps(dict(values))


def read(text: str) -> dict[str, str]:
    """Empty when there is nothing to hold it against: a page of before it was kept, a script."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {name: value for name, value in pairs if isinstance(value, str)}


def changed(seen: Seen, now: Seen) -> list[str]:
    """What stands otherwise now than it was seen."""
    return [name for name, value in now.items() if name in seen and seen[name] != value]


def own(typed: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
    """What whoever typed changed themselves."""
    return {name: value for name, value in typed.items() if name in seen and seen[name] != as_text(value)}


def as_text(value: object) -> str:
    return json.dumps(value) if isinstance(value, list) else str("" if value is None else value)
