"""Collects what an e-invoice says, whichever of the two syntaxes it is written in."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element

from documents.einvoice import values
from documents.einvoice.facts import MOST_LINES, Invoice, Line, Unreadable

#: UNTDID 1001 codes that EN 16931 counts as a credit note
CREDIT_CODES = frozenset(["81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "532"])

MOST_ACCOUNTS = 10


class Found:
    def __init__(self, root: Element, namespaces: dict[str, str], syntax: str) -> None:
        self.root, self.namespaces = root, namespaces
        self.facts: dict[str, Any] = {"syntax": syntax}
        self.warnings: set[str] = set()

    def first(self, *paths: str, within: Element | None = None) -> str:
        """The first text that is there; "" when none is."""
        base = self.root if within is None else within
        for path in paths:
            for element in base.iterfind(path, self.namespaces):
                if found := values.text(element.text):
                    return found
        return ""

    def text(self, name: str, *paths: str) -> None:
        self.facts[name] = self.first(*paths)

    def date(self, name: str, *paths: str) -> None:
        given = self.first(*paths)
        self.facts[name] = values.day(given) if given else None
        if given and self.facts[name] is None:
            self.warnings.add("dates")

    def amount(self, name: str, *paths: str) -> None:
        given = self.first(*paths)
        self.facts[name] = values.number(given) if given else None
        if given and self.facts[name] is None:
            self.warnings.add("amounts")

    def currency(self, path: str, amount: str) -> None:
        """BT-5; an old invoice without it names the currency at its amounts."""
        of_amount = self.root.find(amount, self.namespaces)
        given = self.first(path) or (values.text(of_amount.get("currencyID")) if of_amount is not None else "")
        self.facts["currency"] = given if len(given) == 3 and given.isascii() and given.isupper() else ""

    def tax(self, path: str) -> None:
        """BT-110. A second one may stand beside it in the seller's own currency (BT-111)."""
        given = [one for one in self.root.iterfind(path, self.namespaces) if values.text(one.text)]
        if len(given) > 1:
            given = [one for one in given if one.get("currencyID") == self.facts["currency"]]
        self.facts["tax"] = values.number(values.text(given[0].text)) if given else None
        if given and self.facts["tax"] is None:
            self.warnings.add("amounts")

    def ibans(self, account: str, *paths: str) -> None:
        """Of every way to pay the account, by the first of `paths` that it has."""
        accounts = self.root.iterfind(account, self.namespaces)
        given = [values.compact(self.first(*paths, within=one)) for one in accounts]
        given = list(dict.fromkeys(one for one in given if one))[:MOST_ACCOUNTS]
        self.facts["iban"] = given[0][:40] if given else ""
        self.facts["other_ibans"] = tuple(one[:40] for one in given[1:])
        if not all(map(values.iban_is_valid, given)):
            self.warnings.add("iban")

    def vat(self, given: str) -> None:
        number = values.compact(given)
        self.facts["supplier_vat"] = number[:40]
        if number and not values.vat_is_valid(number):
            self.warnings.add("vat")

    def lines(self, elements: list[Element], read: Callable[[Found, Element], Line]) -> None:
        self.facts["line_count"] = len(elements)
        self.facts["lines"] = tuple(read(self, element) for element in elements[:MOST_LINES])

    def line_number(self, element: Element, path: str) -> Decimal | None:
        """Of a line: prices may have more decimals than amounts."""
        return values.number(self.first(path, within=element), decimals=10)

    def attribute(self, element: Element, path: str, name: str) -> str:
        there = element.find(path, self.namespaces)
        return values.text(there.get(name), 10) if there is not None else ""

    def invoice(self) -> Invoice:
        if not self.facts["number"]:
            raise Unreadable("no_number")
        net, tax, total = (self.facts[name] for name in ("net", "tax", "total"))
        if None not in (net, tax, total) and net + tax != total:  # BR-CO-15
            self.warnings.add("sums")
        return Invoice(**self.facts, warnings=tuple(sorted(self.warnings)))
