"""The audit trail as rows for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.utils import timezone
from django.utils.translation import gettext as _

from administrations.audit_entry import AuditEntry
from administrations.audit_words import changes, sentence, who


def rows_of(entries: Iterable[AuditEntry]) -> Iterator[list[str]]:
    """A heading, and one for each line."""
    yield [_("Time"), _("Who"), _("Address"), _("What"), _("Changes"), "code"]
    for entry in entries:
        at = timezone.localtime(entry.at).isoformat(timespec="seconds")
        yield [at, who(entry), entry.address, sentence(entry), "; ".join(changes(entry)), entry.code]
