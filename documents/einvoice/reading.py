"""An XML as an invoice: parsed without DTD, entities or network, and never more of it than an invoice needs."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from documents.einvoice import cii, ubl
from documents.einvoice.facts import Invoice, Unreadable

#: base64 makes a PDF inside a third larger
MOST_BYTES = 35_000_000
#: an invoice of a thousand lines has about forty thousand
MOST_ELEMENTS = 200_000
_READERS = {ubl.INVOICE: ubl.read, ubl.CREDIT_NOTE: ubl.read, cii.INVOICE: cii.read}
_INVOICES = frozenset(name.rpartition("}")[2] for name in _READERS)


def read(source: BinaryIO) -> Invoice:
    """Raises Unreadable."""
    root = parse(source)
    invoice = _READERS[root.tag](root).invoice()
    pdf = ubl.pdf_inside(root)
    return replace(invoice, pdf_sha256=hashlib.sha256(pdf).hexdigest()) if pdf else invoice


def parse(source: BinaryIO) -> Element:
    """The root of an invoice. Raises Unreadable."""
    root: Element | None = None
    try:
        for number, (_, element) in enumerate(ElementTree.iterparse(source, events=("start",), forbid_dtd=True)):
            if root is None:
                root = _known(element)
            if number == MOST_ELEMENTS:
                raise Unreadable("too_large")
    except DefusedXmlException as problem:
        raise Unreadable("forbidden") from problem
    except (ParseError, ValueError, LookupError) as problem:
        raise Unreadable("not_well_formed") from problem
    if root is None:
        raise Unreadable("not_well_formed")
    return root


def _known(root: Element) -> Element:
    if root.tag in _READERS:
        return root
    name = root.tag.rpartition("}")[2]
    if name in _INVOICES:
        raise Unreadable("wrong_namespace")
    raise Unreadable("old_version" if name == "CrossIndustryDocument" else "other_root")  # ZUGFeRD 1
