"""Which XML and which PDF are the same invoice. Rather two lines than a wrong pair.

A mail is looked at whole, again after each of its documents was read, so the order of reading does not matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import PurePath

from django.db import transaction
from django.db.models import Q

from documents import written_down
from documents.einvoice import papers
from documents.models import PDF, XML_TYPES, Document, EInvoice, Email, einvoice_of

Pair = tuple[Document, Document]
Key = Callable[[Document], Hashable | None]


def pair_unsaved(documents: Iterable[Document]) -> None:
    """Of one mail, before its documents are saved: an XML and a PDF that are the same invoice name each other."""
    for xml, pdf in pairs(_sides(documents)):
        xml.companion, pdf.companion = pdf, xml


def pair_saved(documents: Iterable[Document]) -> None:
    """The same for all documents of a mail that are in, also when what was read of them undoes a pair."""
    sides = _sides(documents)
    partner = {}
    for xml, pdf in pairs(sides):
        partner[xml.pk], partner[pdf.pk] = pdf, xml
    changed = [one for one in sides if one.companion_id != getattr(partner.get(one.pk), "pk", None)]
    for one in changed:
        one.companion = partner.get(one.pk)
    Document.objects.bulk_update(changed, ["companion"])


def pair_after_reading(document: Document) -> None:
    """After `document` was read."""
    with transaction.atomic():
        if document.email_id is None:
            _pair_upload(document)
            together = Document.objects.filter(Q(pk=document.pk) | Q(companion=document.pk))
        else:
            # The last of two readers to come here sees what the other has read.
            Email.objects.select_for_update().get(pk=document.email_id)
            together = Document.objects.filter(email_id=document.email_id)
            pair_saved(together.select_related("einvoice"))
        ids = list(together.values_list("pk", flat=True))
        written_down.anew(ids)


def _sides(documents: Iterable[Document]) -> list[Document]:
    return [one for one in documents if one.content_type in XML_TYPES or one.content_type == PDF]


def pairs(sides: Sequence[Document]) -> list[Pair]:
    """The strongest proof first; each proof must point at one XML and one PDF."""
    xmls = [one for one in sides if one.content_type in XML_TYPES]
    pdfs = [one for one in sides if one.content_type == PDF]
    found: list[Pair] = []
    proofs: list[tuple[Key, Key]] = [
        (lambda xml: _fact(xml, "pdf_sha256"), lambda pdf: pdf.sha256),
        (lambda xml: _fact(xml, "number"), lambda pdf: _fact(pdf, "number")),
        (_stem, _stem),
        (_number_groups, _name_groups),
    ]
    if len(xmls) == len(pdfs) == 1 and _may_be_one(xmls[0], pdfs[0]):
        proofs.append((lambda xml: True, lambda pdf: True))
    xmls = [xml for xml in xmls if not _is_no_invoice(xml)]
    for of_xml, of_pdf in proofs:
        found += _matched(xmls, pdfs, of_xml, of_pdf)
        taken = {one.pk for pair in found for one in pair}
        xmls, pdfs = ([one for one in side if one.pk not in taken] for side in (xmls, pdfs))
    return found


def _matched(xmls: list[Document], pdfs: list[Document], of_xml: Key, of_pdf: Key) -> list[Pair]:
    by_key: dict[Hashable, tuple[list[Document], list[Document]]] = defaultdict(lambda: ([], []))
    for side, group, key in ((0, xmls, of_xml), (1, pdfs, of_pdf)):
        for document in group:
            if value := key(document):
                by_key[value][side].append(document)
    alone = [(same[0][0], same[1][0]) for same in by_key.values() if len(same[0]) == len(same[1]) == 1]
    return [(xml, pdf) for xml, pdf in alone if not _contradict(xml, pdf)]


def _contradict(xml: Document, pdf: Document) -> bool:
    """The e-invoice inside the PDF says that it is another one."""
    for name in ("number", "supplier_vat"):
        one, other = _fact(xml, name), _fact(pdf, name)
        if one and other and one != other:
            return True
    return False


def _may_be_one(xml: Document, pdf: Document) -> bool:
    """Of the only two: the PDF is called an invoice, no number in its name is another one, and the XML, which was
    read, brings no pages of its own."""
    read, name = einvoice_of(xml), _stem(pdf)
    if read is None or read.pdf_sha256 or papers.goes_along(name) or not papers.says_invoice(name):
        return False
    figures = papers.numbers(name)
    return not figures or figures in (papers.numbers(read.number), papers.numbers(_stem(xml)))


def _is_no_invoice(xml: Document) -> bool:
    """Known only once it was read."""
    read = einvoice_of(xml)
    return read is not None and bool(read.problem)


def _fact(document: Document, name: str) -> str:
    read = einvoice_of(document)
    return str(getattr(read, name)).casefold() if read else ""


def _stem(document: Document) -> str:
    return PurePath(document.filename).stem.casefold()


def _number_groups(xml: Document) -> tuple[str, ...] | None:
    """None of an XML that brings its own pages: a paper with its number beside it is another one."""
    return None if _fact(xml, "pdf_sha256") else _groups(_fact(xml, "number"))


def _name_groups(pdf: Document) -> tuple[str, ...] | None:
    """General terms and time sheets bear the number of their invoice too."""
    return None if papers.goes_along(_stem(pdf)) else _groups(_stem(pdf))


def _groups(text: str) -> tuple[str, ...] | None:
    found = papers.numbers(text)
    return found if len("".join(found)) >= 4 else None


def _pair_upload(document: Document) -> None:
    """Uploads come one by one: only a proof by bytes or by number and VAT number, and of the same person."""
    read = einvoice_of(document)
    others = Document.objects.filter(
        administration_id=document.administration_id,
        email=None,
        deleted_at=None,
        companion=None,
        uploaded_by=document.uploaded_by_id,
    ).exclude(pk=document.pk)
    same_number = _same_number(read)
    if document.content_type in XML_TYPES:
        same_bytes = Q(sha256=read.pdf_sha256) if read and read.pdf_sha256 else Q(pk=None)
        others = others.filter(same_bytes | same_number, content_type=PDF)
    else:
        others = others.filter(Q(einvoice__pdf_sha256=document.sha256) | same_number, content_type__in=XML_TYPES)
    found = list(others.select_for_update(of=("self",))[:2])
    if len(found) == 1 and document.companion_id is None and document.uploaded_by_id and document.deleted_at is None:
        Document.objects.filter(pk=document.pk).update(companion=found[0])
        Document.objects.filter(pk=found[0].pk).update(companion=document)


def _same_number(read: EInvoice | None) -> Q:
    if read is None or not read.number or not read.supplier_vat:
        return Q(pk=None)
    return Q(einvoice__number=read.number, einvoice__supplier_vat=read.supplier_vat)
