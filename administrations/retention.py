"""How long documents are kept. A document of some year is kept until the end of the n-th year after it.

That is how Dutch law counts (article 52 AWR: seven years after the year that the books are of). Only what nobody
deleted by hand is meant; a hold keeps what was deleted as well (documents.sweeping).
"""

from __future__ import annotations

from datetime import date, datetime

from django.conf import settings
from django.utils import timezone

from administrations.models import Administration
from zenvoices.lib import database_clock
from zenvoices.lib.days import midnight


def years_of(administration: Administration) -> int:
    """Never fewer than the portal's."""
    return max(administration.kept_years or 0, settings.DOCUMENTS_KEPT_YEARS)


def kept_until(administration: Administration, received_at: datetime) -> date:
    """The last day on which what was received then must still be there."""
    return date(timezone.localtime(received_at).year + years_of(administration), 12, 31)


def term_began(administration: Administration) -> datetime:
    """What was received before this moment has outlived its term."""
    return midnight(date(timezone.localdate(database_clock.now()).year - years_of(administration), 1, 1))
