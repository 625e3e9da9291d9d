"""What an e-invoice says, by the business terms (BT) of EN 16931-1. What it does not say stays empty."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any

#: a longer invoice keeps so many lines; the rest is in the XML
MOST_LINES = 200


class Unreadable(Exception):
    """`code`: not_well_formed, other_root, old_version, wrong_namespace, forbidden, several, no_number,
    too_large, too_hard."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Line:
    text: str = ""  # BT-153, else BT-154
    quantity: Decimal | None = None  # BT-129
    unit: str = ""  # BT-130, a code of UN/ECE recommendation 20
    price: Decimal | None = None  # BT-146
    amount: Decimal | None = None  # BT-131
    rate: Decimal | None = None  # BT-152, per cent


@dataclass(frozen=True)
class PdfInside:
    """A PDF that an e-invoice carries (BT-125). `size` in bytes."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Invoice:
    syntax: str  # "ubl" or "cii"
    number: str  # BT-1
    profile: str = ""  # BT-24
    is_credit: bool = False  # BT-3, or a UBL CreditNote
    supplier: str = ""  # BT-27, else BT-28
    supplier_vat: str = ""  # BT-31
    customer: str = ""  # BT-44, else BT-45
    issued: date | None = None  # BT-2
    due: date | None = None  # BT-9
    currency: str = ""  # BT-5
    net: Decimal | None = None  # BT-109
    tax: Decimal | None = None  # BT-110
    total: Decimal | None = None  # BT-112
    payable: Decimal | None = None  # BT-115
    iban: str = ""  # BT-84
    other_ibans: tuple[str, ...] = ()  # of the other ways to pay
    #: what a person should look at: "iban", "vat", "amounts", "dates", "sums"
    warnings: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    line_count: int = 0
    #: the one that is the invoice first
    pdfs: tuple[PdfInside, ...] = ()

    @property
    def pdf_sha256(self) -> str:
        """Of the PDF whose pages are shown."""
        return self.pdfs[0].sha256 if self.pdfs else ""


_DATES = frozenset(["issued", "due"])
_AMOUNTS = frozenset(["net", "tax", "total", "payable"])


def to_json(invoice: Invoice) -> dict[str, Any]:
    """Amounts and dates as the text they are."""
    found = asdict(invoice)
    for name in _DATES | _AMOUNTS:
        found[name] = None if found[name] is None else str(found[name])
    found["lines"] = [{name: _plain(value) for name, value in line.items()} for line in found["lines"]]
    return found


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def from_json(found: dict[str, Any]) -> Invoice:
    given = {field.name: found[field.name] for field in fields(Invoice)}
    for name in _DATES:
        given[name] = date.fromisoformat(given[name]) if given[name] else None
    for name in _AMOUNTS:
        given[name] = Decimal(given[name]) if given[name] else None
    given["warnings"], given["other_ibans"] = tuple(given["warnings"]), tuple(given["other_ibans"])
    given["pdfs"] = tuple(PdfInside(**pdf) for pdf in given["pdfs"])
    given["lines"] = tuple(line_from_json(line) for line in given["lines"])
    return Invoice(**given)


def line_from_json(line: dict[str, Any]) -> Line:
    numbers = {name: Decimal(line[name]) for name in ("quantity", "price", "amount", "rate") if line[name] is not None}
    return Line(text=line["text"], unit=line["unit"], **numbers)
