"""Texts of an e-invoice as dates, amounts and numbers, and whether a bank account or VAT number can be right."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from decimal import Decimal

_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})")  # xsd:decimal knows no exponents
_MOST = 10**11
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_IBAN_LENGTHS = {"NL": 18, "BE": 16, "DE": 22, "FR": 27, "LU": 20, "AT": 20, "ES": 24, "IT": 27, "GB": 22, "IE": 22}
_DUTCH_VAT = re.compile(r"NL[0-9]{9}B[0-9]{2}")
_NOT_SHOWN = frozenset(["Cc", "Cf"])  # also the marks that turn text round


def text(given: str | None, most: int = 200) -> str:
    """On one line, without signs that nobody sees."""
    seen = (" " if sign.isspace() else sign for sign in (given or "")[: most * 10])
    return " ".join("".join(s for s in seen if unicodedata.category(s) not in _NOT_SHOWN).split())[:most].strip()


def day(given: str) -> date | None:
    """`2026-11-20` (UBL; a zone may follow, which a day does not need) or `20261120` (CII, format 102)."""
    for form, length in (("%Y-%m-%d", 10), ("%Y%m%d", 8)):
        try:
            found = datetime.strptime(given[:length] if length == 10 else given, form).date()  # noqa: DTZ007
        except ValueError:
            continue
        return found if 1970 <= found.year <= 2200 else None
    return None


def number(given: str, decimals: int = 4) -> Decimal | None:
    """None for what is no plain number, is beyond any invoice, or has more decimals than would be kept."""
    if not _DECIMAL.fullmatch(given):
        return None
    found = Decimal(given)
    if abs(found) >= _MOST:
        return None
    # As it was written, without the zeros behind: 121.0000 is kept, 121.00001 is not ours to round.
    shortest = found.normalize()
    scale = max(0, -int(shortest.as_tuple().exponent))
    return found.quantize(Decimal(1).scaleb(-max(scale, min(2, decimals)))) if scale <= decimals else None


def compact(given: str) -> str:
    """`NL91 ABNA 0417 1643 00` and `NL.8521.03.275.B01` without what people put between."""
    return re.sub(r"[\s.\-]", "", given).upper()


def iban_is_valid(given: str) -> bool:
    """ISO 13616: the length of its country where we know it, and the check digits (ISO 7064, MOD 97-10)."""
    if not _IBAN.fullmatch(given) or len(given) != _IBAN_LENGTHS.get(given[:2], len(given)):
        return False
    return _mod97(given[4:] + given[:4]) == 1


def vat_is_valid(given: str) -> bool:
    """Begins with a country (EN 16931, BR-CO-09); a Dutch one has right check digits.

    Since 2020 a sole trader's Dutch number passes MOD 97-10 over all of it; others pass the eleven test on their
    nine digits. Numbers of other countries are not judged.
    """
    if not re.fullmatch(r"[A-Z]{2}[A-Z0-9+*]{2,13}", given):
        return False
    if not given.startswith("NL"):
        return True
    return bool(_DUTCH_VAT.fullmatch(given)) and (_eleven_test(given[2:11]) or _mod97(given) == 1)


def _mod97(signs: str) -> int:
    return int("".join(str(int(sign, 36)) for sign in signs)) % 97


def _eleven_test(digits: str) -> bool:
    weighed = sum(int(digit) * weight for digit, weight in zip(digits, range(9, 1, -1), strict=False))
    return weighed % 11 == int(digits[8])
