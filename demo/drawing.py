"""Draws an invoice as a PDF page and a shop receipt as a photo."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

from PIL import Image, ImageDraw, ImageFilter, ImageFont
from reportlab.lib.colors import HexColor, black, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from demo.invoices import CUSTOMER, Invoice, Party, euro

GREY = HexColor("#5b6470")
LEFT, RIGHT = 22 * mm, 188 * mm
COLUMNS = {"quantity": 118 * mm, "unit": 121 * mm, "price": 152 * mm, "rate": 165 * mm, "amount": RIGHT}


def invoice_pdf(invoice: Invoice) -> bytes:
    file = io.BytesIO()
    page = Canvas(file, pagesize=A4, invariant=1)  # the same bytes each time
    page.setTitle(f"Factuur {invoice.number}")
    page.setAuthor(invoice.supplier.name)
    _letterhead(page, invoice.supplier)
    _addresses(page, invoice)
    y = _lines(page, invoice)
    y = _totals(page, invoice, y)
    _payment(page, invoice, y)
    page.save()
    return file.getvalue()


def _write(page: Canvas, x: float, y: float, text: str, *, size: float = 9.5, bold: bool = False) -> None:
    page.setFont("Helvetica-Bold" if bold else "Helvetica", size)
    page.drawString(x, y, text)


def _write_right(page: Canvas, x: float, y: float, text: str, *, size: float = 9.5, bold: bool = False) -> None:
    page.setFont("Helvetica-Bold" if bold else "Helvetica", size)
    page.drawRightString(x, y, text)


def _letterhead(page: Canvas, supplier: Party) -> None:
    color = HexColor(supplier.color)
    page.setFillColor(color)
    page.rect(0, 289 * mm, 210 * mm, 8 * mm, stroke=0, fill=1)
    page.roundRect(LEFT, 262 * mm, 17 * mm, 17 * mm, 3 * mm, stroke=0, fill=1)
    page.setFillColor(white)
    page.setFont("Helvetica-Bold", 24)
    page.drawCentredString(LEFT + 8.5 * mm, 267.3 * mm, supplier.name[0])
    page.setFillColor(color)
    _write(page, LEFT + 22 * mm, 272 * mm, supplier.name, size=16, bold=True)
    page.setFillColor(GREY)
    _write(page, LEFT + 22 * mm, 265.5 * mm, supplier.trade, size=9)
    facts = (f"KvK {supplier.kvk}", f"Btw {supplier.vat}", f"IBAN {_spaced(supplier.iban)}", supplier.domain)
    page.setStrokeColor(color)
    page.line(LEFT, 19 * mm, RIGHT, 19 * mm)
    _write(page, LEFT, 14.5 * mm, "   ·   ".join(facts), size=8)
    _write(page, LEFT, 10 * mm, "Fictieve factuur voor de demo van Zenvoices; geen echte leverancier.", size=7)


def _addresses(page: Canvas, invoice: Invoice) -> None:
    supplier = invoice.supplier
    page.setFillColor(GREY)
    _write(page, LEFT, 248 * mm, f"{supplier.name} · {supplier.street} · {supplier.city}", size=7.5)
    page.setFillColor(black)
    for row, text in enumerate((CUSTOMER.name, "t.a.v. de administratie", CUSTOMER.street, CUSTOMER.city)):
        _write(page, LEFT, 241 * mm - row * 5 * mm, text, size=10.5)
    _write(page, LEFT, 204 * mm, "Factuur", size=20, bold=True)
    facts = (
        ("Factuurnummer", invoice.number),
        ("Factuurdatum", _day(invoice.issued)),
        ("Vervaldatum", _day(invoice.due)),
        ("Klantnummer", invoice.customer_number),
    )
    for row, (label, value) in enumerate(facts):
        y = 241 * mm - row * 5.2 * mm
        page.setFillColor(GREY)
        _write(page, 128 * mm, y, label)
        page.setFillColor(black)
        _write_right(page, RIGHT, y, value, bold=row == 0)


def _lines(page: Canvas, invoice: Invoice) -> float:
    y = 190 * mm
    page.setFillColor(HexColor(invoice.supplier.color))
    page.rect(LEFT - 2 * mm, y - 2.2 * mm, RIGHT - LEFT + 4 * mm, 7 * mm, stroke=0, fill=1)
    page.setFillColor(white)
    _write(page, LEFT, y, "Omschrijving", bold=True)
    for column, text in (("quantity", "Aantal"), ("price", "Prijs"), ("rate", "Btw"), ("amount", "Bedrag")):
        _write_right(page, COLUMNS[column], y, text, bold=True)
    page.setFillColor(black)
    page.setStrokeColor(HexColor("#d9dde3"))
    for line in invoice.lines:
        y -= 7.2 * mm
        _write(page, LEFT, y, line.text)
        _write_right(page, COLUMNS["quantity"], y, f"{line.quantity.normalize():f}".replace(".", ","))
        _write(page, COLUMNS["unit"], y, line.unit)
        _write_right(page, COLUMNS["price"], y, _price(line.price))
        _write_right(page, COLUMNS["rate"], y, f"{line.rate}%")
        _write_right(page, COLUMNS["amount"], y, euro(line.amount))
        page.line(LEFT, y - 2.4 * mm, RIGHT, y - 2.4 * mm)
    return y


def _totals(page: Canvas, invoice: Invoice, y: float) -> float:
    y -= 11 * mm
    rows = [("Totaal exclusief btw", euro(invoice.net))]
    rows += [
        (
            f"Btw {rate}% over € {euro(base)}" if rate else f"Btw vrijgesteld of 0% over € {euro(base)}",
            euro(tax),
        )
        for rate, (base, tax) in invoice.taxes.items()
    ]
    for label, amount in rows:
        _write(page, 112 * mm, y, label)
        _write_right(page, RIGHT, y, f"€ {amount}")
        y -= 5.6 * mm
    page.setStrokeColor(black)
    page.line(112 * mm, y + 3.4 * mm, RIGHT, y + 3.4 * mm)
    _write(page, 112 * mm, y - 1.5 * mm, "Te betalen", size=12, bold=True)
    _write_right(page, RIGHT, y - 1.5 * mm, f"€ {euro(invoice.total)}", size=12, bold=True)
    return y


def _payment(page: Canvas, invoice: Invoice, y: float) -> None:
    y -= 18 * mm
    sentences = (
        f"Wij ontvangen uw betaling graag uiterlijk {_day(invoice.due)} op {_spaced(invoice.supplier.iban)}",
        f"ten name van {invoice.supplier.name}, onder vermelding van {invoice.number}.",
        invoice.note,
    )
    for sentence in sentences:
        _write(page, LEFT, y, sentence)
        y -= 5.2 * mm


def receipt_jpg(day: date) -> bytes:
    """A receipt from the till as someone photographs it: on a table, slightly askew."""
    rows = (("Diesel  41,20 l x 1,749", Decimal("72.06")), ("Ruitenvloeistof 5 l", Decimal("8.95")))
    total = sum((amount for _, amount in rows), Decimal())
    tax = (total * 21 / 121).quantize(Decimal("0.01"))
    paper = Image.new("L", (520, 760), 247)
    draw = ImageDraw.Draw(paper)
    normal, big = ImageFont.load_default(22), ImageFont.load_default(34)
    draw.text((260, 40), "TANKSTATION DE KRUIK", fill=25, font=big, anchor="mt")
    for y, text in ((92, "Ringweg 1, 1251 TK Voorbeeldstad"), (120, "KvK 90000013   Btw NL900000013B01")):
        draw.text((260, y), text, fill=45, font=normal, anchor="mt")
    draw.text((40, 180), f"{_day(day)}  07:42    Bon 004417   Pomp 3", fill=45, font=normal)
    lines = [*rows, ("TOTAAL EUR", total), ("waarvan btw 21%", tax), ("PIN betaald", total)]
    for number, (text, amount) in enumerate(lines):
        y = 250 + number * 56
        draw.text((40, y), text, fill=30, font=big if text.startswith("TOTAAL") else normal)
        draw.text((480, y), euro(amount), fill=30, font=big if text.startswith("TOTAAL") else normal, anchor="ra")
    draw.line((40, 350, 480, 350), fill=90, width=2)
    draw.text((260, 600), "Kaart ************0412", fill=60, font=normal, anchor="mt")
    draw.text((260, 650), "Bedankt en goede reis!", fill=45, font=normal, anchor="mt")
    draw.text(
        (260, 700),
        "Fictieve bon voor de demo van Zenvoices",
        fill=120,
        font=ImageFont.load_default(16),
        anchor="mt",
    )
    photo = Image.new("RGB", (760, 960), (141, 110, 78))
    turned = paper.rotate(2.4, expand=True, fillcolor=0)
    mask = Image.new("L", paper.size, 255).rotate(2.4, expand=True, fillcolor=0)
    photo.paste(turned, (110, 85), mask)
    file = io.BytesIO()
    photo.filter(ImageFilter.GaussianBlur(0.6)).save(file, "JPEG", quality=82)
    return file.getvalue()


def _price(amount: Decimal) -> str:
    whole = amount.quantize(Decimal("0.01"))
    return euro(amount) if whole == amount else f"{amount:.4f}".replace(".", ",")


def _spaced(iban: str) -> str:
    return " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))


def _day(day: date) -> str:
    return f"{day:%d-%m-%Y}"
