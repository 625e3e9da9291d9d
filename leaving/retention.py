"""What a Beheerder decides about how long documents are kept, and holding them."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from administrations import audit
from administrations.models import Administration, User


@transaction.atomic
def hold(administration: Administration, because: str, by: User | None) -> None:
    """Nothing of it is erased from now on, and what is deleted by hand keeps its bytes."""
    locked = _locked(administration)
    if locked.held_since is None:
        locked.held_since, locked.held_because = timezone.now(), because
        locked.save(update_fields=["held_since", "held_because"])
        audit.note("retention.held", locked, locked, by=by, after={"reason": because})


@transaction.atomic
def lift(administration: Administration, by: User | None) -> None:
    locked = _locked(administration)
    if locked.held_since is not None:
        before = {"reason": locked.held_because}
        locked.held_since, locked.held_because = None, ""
        locked.save(update_fields=["held_since", "held_because"])
        audit.note("retention.lifted", locked, locked, by=by, before=before)


@transaction.atomic
def keep_years(administration: Administration, years: int, by: User | None) -> None:
    locked = _locked(administration)
    before, locked.kept_years = {"years": locked.kept_years}, years
    locked.save(update_fields=["kept_years"])
    audit.note_change("retention.changed", locked, locked, before, {"years": years}, by=by)


def _locked(administration: Administration) -> Administration:
    return Administration.objects.select_for_update().get(pk=administration.pk)
