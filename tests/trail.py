"""The audit trail as tests read it."""

from __future__ import annotations

from administrations.audit_entry import AuditEntry
from administrations.models import Administration, Environment
from zenvoices.lib.scoping import every_administration


def entries(place: Administration | Environment | None = None) -> list[AuditEntry]:
    """Oldest first: of one administration, of an environment with all of its administrations, or everything."""
    with every_administration():
        rows = AuditEntry.objects.order_by("id")
        if isinstance(place, Administration):
            rows = rows.filter(administration_id=place.pk)
        elif place is not None:
            rows = rows.filter(environment_id=place.pk)
        return list(rows)


def told(place: Administration | Environment | None = None) -> list[tuple[str, str, str]]:
    """Who, what, and to what. Signing in of the tests themselves is left out."""
    return [
        (one.actor_name or one.actor, one.code, one.thing_name)
        for one in entries(place)
        if one.code != "sign_in.succeeded"
    ]
