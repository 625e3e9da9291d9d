"""What files are called in a ZIP: parts in an order that each person chooses once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, Final

from django import forms
from django.db import models
from django.db.models import Prefetch, prefetch_related_objects
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from administrations.models import User
from documents.models import Document, Email, ZipNames
from documents.queries import shown_invoice
from zenvoices.lib.filenames import extension, portable_name, safe_name

_BATCH: Final = 500  # databases bound the number of parameters


class Part(models.TextChoices):
    DATE = "date", _("Date")
    SUPPLIER = "supplier", _("Supplier")
    NUMBER = "number", _("Number")
    SENDER = "sender", _("Sender")
    FILENAME = "filename", _("File name")


AS_RECEIVED: Final = [Part.FILENAME]


def parts_of(person: User) -> list[Part]:
    kept = ZipNames.objects.filter(person=person).values_list("parts", flat=True).first()
    return [Part(part) for part in kept or AS_RECEIVED]


def keep(person: User, parts: Sequence[Part]) -> None:
    ZipNames.objects.update_or_create(person=person, defaults={"parts": [str(part) for part in parts]})


def names(documents: Sequence[Document], parts: Sequence[Part]) -> list[str]:
    """Of each; two may be alike."""
    for start in range(0, len(documents), _BATCH):
        emails = Prefetch("email", Email.objects.defer("text"))
        prefetch_related_objects(documents[start : start + _BATCH], emails, "einvoice", "companion__einvoice")
    return [_name(document, parts) for document in documents]


def _name(document: Document, parts: Sequence[Part]) -> str:
    """A part that is not known is left out, each text stands once, and no file is without a name."""
    suffix = extension(document.filename)
    known = _values(document, document.filename.removesuffix(suffix) or document.filename)
    words = dict.fromkeys(word for part in parts if (word := known[part]))
    stem = portable_name(" ".join(words) or PurePath(document.filename).stem)
    return portable_name(safe_name(stem + suffix, document.content_type))


def _values(document: Document, stem: str) -> dict[Part, str]:
    """Where no e-invoice says a supplier it is who sent it; a number, the name of the file."""
    other = document.companion
    invoice = shown_invoice(document, other if other and other.deleted_at is None else None)
    email = document.email
    sender = (email.sender_name or email.sender_address) if email else ""
    came = timezone.localtime((email and email.sent_at) or document.received_at).date()
    day = (invoice and invoice.issued) or came
    return {
        Part.DATE: day.isoformat(),
        Part.SUPPLIER: (invoice and invoice.supplier) or sender,
        Part.NUMBER: (invoice and invoice.number) or stem,
        Part.SENDER: sender,
        Part.FILENAME: stem,
    }


class ZipNamesForm(forms.Form):
    """A choice for each place, as many as there are parts; places may stay empty."""

    def __init__(self, data: Any, parts: Sequence[Part]) -> None:
        super().__init__(data, label_suffix="")
        for place in range(len(Part)):
            self.fields[f"part_{place + 1}"] = forms.ChoiceField(
                label=_("Part %(place)d") % {"place": place + 1},
                choices=[("", "–"), *Part.choices],
                initial=parts[place] if place < len(parts) else "",
                required=False,
            )

    def parts(self) -> list[Part]:
        """In order, each once; the name as received when nothing was chosen."""
        chosen = dict.fromkeys(Part(value) for value in self.cleaned_data.values() if value)
        return list(chosen) or list(AS_RECEIVED)
