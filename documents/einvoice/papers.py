"""What the name of a paper says: the invoice itself, or what only goes along with one."""

from __future__ import annotations

import re
import unicodedata

#: a word of six letters and more may be part of a longer one, a shorter one stands alone
_INVOICE = (
    "factuur", "facturen", "faktuur", "invoice", "rechnung", "facture", "fattura", "factura", "faktura", "lisible",
    "creditnot", "credit not", "credit-not", "gutschrift", "nota", "avoir",
)  # fmt: skip
_BESIDE = (
    "voorwaarden", "condition", "terms", "agb", "av", "geschaftsbedingung", "bepalingen", "specificat", "spec",
    "spezifikation", "urenstaat", "uren", "urenoverzicht", "urenverantwoording", "urenregistratie", "timesheet",
    "time sheet", "stunden", "leistungsnachweis", "werkbon", "pakbon", "leverbon", "packing", "delivery",
    "lieferschein",
    "vrachtbrief", "cmr", "bijlage", "attachment", "annex", "anlage", "anhang", "appendix", "offerte", "quotation",
    "quote", "angebot", "order", "bestelling", "bestelbon", "opdracht", "contract", "overeenkomst", "machtiging",
    "mandaat", "handleiding", "manual", "garantie", "warranty", "certifica", "brochure", "folder", "flyer",
    "nieuwsbrief", "newsletter", "privacy", "verklaring", "herinnering", "reminder", "aanmaning", "mahnung",
    "overzicht", "statement", "rapport", "report", "foto", "tekening", "rib",
)  # fmt: skip


def goes_along(words: str) -> bool:
    """General terms, specifications, time sheets: never the pages of an invoice."""
    return _says(_BESIDE, words)


def says_invoice(words: str) -> bool:
    return _says(_INVOICE, words)


def numbers(words: str) -> tuple[str, ...]:
    """`INV-2026/114` as (2026, 114): what is left of a number in the name of a file."""
    return tuple(re.findall(r"[0-9]+", words))


def names_number(words: str, number: str) -> bool:
    """Whether the figures of `number` stand in `words`, one behind the other."""
    wanted, there = numbers(number), numbers(words)
    size = len(wanted)
    return size > 0 and any(there[at : at + size] == wanted for at in range(len(there) - size + 1))


def rank(words: str, number: str) -> tuple[bool, ...]:
    """Lower for what is more likely the invoice with that number."""
    beside, invoice = goes_along(words), says_invoice(words)
    return (beside and not invoice, beside, not names_number(words, number), not invoice)


def _says(of: tuple[str, ...], words: str) -> bool:
    plain = unicodedata.normalize("NFKD", words.casefold())
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    single = set(re.findall(r"[a-z]+", plain))
    return any(word in single if len(word) < 6 else word in plain for word in of)
