"""An XML as an invoice: parsed without DTD, entities or network, and never more of it than an invoice needs."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from documents.einvoice import attached, cii, ubl, xml_text
from documents.einvoice.facts import Invoice, Unreadable

#: base64 makes a PDF inside a third larger
MOST_BYTES = 35_000_000
#: an invoice of a thousand lines has about forty thousand
MOST_ELEMENTS = 200_000
#: bytes; ElementTree asks for 16,384, and one of elements alone has about as many as are taken
_PIECE = 1024 * 1024
#: an envelope has its invoice within so many
_ENVELOPE = 1_000
_READERS = {ubl.INVOICE: ubl.read, ubl.CREDIT_NOTE: ubl.read, cii.INVOICE: cii.read}
_INVOICES = frozenset(name.rpartition("}")[2] for name in _READERS)


class _InLargePieces(io.BytesIO):
    """An expat before 2.6 looks at a tag, text or comment without an end anew with each piece (CVE-2023-52425)."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(_PIECE)


@dataclass(frozen=True)
class Opened:
    """`whole`: the envelope, or the invoice itself. `defects`: what was mended to read it."""

    whole: Element
    invoice: Element
    defects: tuple[str, ...] = ()


def read(data: bytes) -> tuple[Invoice, tuple[str, ...]]:
    """What it says, and what was mended to read it. Raises Unreadable."""
    opened = parse(data)
    invoice = _READERS[opened.invoice.tag](opened.invoice).invoice()
    return replace(invoice, pdfs=attached.told(opened.whole, invoice.number)), opened.defects


def parse(data: bytes) -> Opened:
    """The one invoice in it, bare or in an envelope. Raises Unreadable."""
    if len(data) > MOST_BYTES:
        raise Unreadable("too_large")
    opened, invoices = _opened(data)
    if not invoices:  # OASIS's AttachedDocument has it as a text: CDATA or base64
        for packed in _packed(opened.whole):
            inner, invoices = _opened(packed)
            if invoices:
                opened = replace(inner, defects=(*opened.defects, *inner.defects))
                break
    if len(invoices) > 1:
        raise Unreadable("several")
    if not invoices:
        raise _refusal(opened.whole)
    return replace(opened, invoice=invoices[0])


def _opened(data: bytes) -> tuple[Opened, list[Element]]:
    text, defects = xml_text.text_of(data)
    try:
        whole, invoices = _elements(text)
    except Unreadable as unreadable:
        if unreadable.code != "not_well_formed":
            raise
        whole, invoices = _elements(xml_text.repaired(text))
        defects = (*defects, xml_text.XML_REPAIRED)
    return Opened(whole, whole, defects), invoices


def _elements(text: str) -> tuple[Element, list[Element]]:
    """The root and the invoices in it. What stands behind the root is not looked at."""
    root: Element | None = None
    within: Element | None = None
    invoices: list[Element] = []
    number = 0
    source = _InLargePieces(text.encode("utf-8", "replace"))
    try:
        for event, element in ElementTree.iterparse(source, events=("start", "end"), forbid_dtd=True):
            if event == "end":
                within = None if element is within else within
                if element is root:
                    return root, invoices
                continue
            if root is None:
                root = element
            if within is None and element.tag in _READERS:
                within = element
                invoices.append(element)
            number += 1
            if number > MOST_ELEMENTS:
                raise Unreadable("too_large")
            if number > _ENVELOPE and not invoices:
                raise _refusal(root)
    except DefusedXmlException as problem:
        raise Unreadable("forbidden") from problem
    except (ParseError, ValueError) as problem:
        raise Unreadable("not_well_formed") from problem
    raise Unreadable("not_well_formed")


def _packed(whole: Element) -> Iterator[bytes]:
    """What an envelope holds as text that looks like XML."""
    for element in whole.iter():
        text = (element.text or "").strip()
        if text.startswith("<"):
            yield text.encode("utf-8", "replace")
        elif text.startswith(("PD", "77u/PD", "PA", "//48")):  # "<" in base64, after a BOM, or in UTF-16
            try:
                yield base64.b64decode("".join(text.split()), validate=True)
            except (binascii.Error, ValueError):
                continue


def _refusal(root: Element) -> Unreadable:
    name = root.tag.rpartition("}")[2]
    if name in _INVOICES:
        return Unreadable("wrong_namespace")
    return Unreadable("old_version" if name == "CrossIndustryDocument" else "other_root")  # ZUGFeRD 1
