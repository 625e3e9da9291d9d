"""Form fields for what people name, and whom they write to."""

from __future__ import annotations

from typing import Any

from django import forms

from zenvoices.lib.lines import plain_line


class NameField(forms.CharField):
    """Takes away what cannot be seen, instead of refusing a name that was pasted with it."""

    def to_python(self, value: Any) -> str:
        return plain_line(super().to_python(value) or "")


class AddressField(forms.EmailField):
    """IDNA ignores zero width characters in a domain; the address with them would be another one."""

    def to_python(self, value: Any) -> str:
        return plain_line(super().to_python(value) or "")
