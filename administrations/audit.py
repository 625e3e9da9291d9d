"""The audit trail: one line for each thing that somebody did, in the transaction that did it.

Services call `note` inside their transaction. What it is given is kept as it is and shown to every Beheerder: no
secret, and nothing that stands in a mail or document.

**Append-only.** Triggers refuse UPDATE and DELETE on both databases (migration 0004_audit); `opened_for_erasing` is
the only way past them, for the term and for what must be erased. A serving role on PostgreSQL needs
`GRANT SELECT, INSERT, UPDATE, DELETE ON administrations_auditentry`: the trigger belongs to the owner of the table, and
the last two do nothing outside `opened_for_erasing`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from django.db import connection, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from administrations.audit_entry import AuditEntry
from administrations.models import Administration, Environment, User
from zenvoices.lib import database_clock
from zenvoices.lib.addresses import address_of
from zenvoices.lib.origin import origin
from zenvoices.lib.scoping import EVERY, administration_scope, current_scope, every_administration

Place = Administration | Environment | None
Facts = Mapping[str, object]
Actor = AuditEntry.Actor
PRUNED_A_TICK: Final = 500
#: a door that somebody rattles at gives one line in this time
RATTLED_SECONDS: Final = 3600


def note(
    code: str, place: Place, thing: models.Model | None = None, *, by: User | None = None,
    before: Facts | None = None, after: Facts | None = None,
) -> None:  # fmt: skip
    """`place`: whose Beheerders may read it; None is the portal. `by`: else whoever this thread works for."""
    note_each(code, place, [thing], by=by, before=before, after=after)


def note_each(
    code: str, place: Place, things: Sequence[models.Model | None], *, by: User | None = None,
    before: Facts | None = None, after: Facts | None = None,
) -> None:  # fmt: skip
    """The same of several things: a line for each, in one statement."""
    shared = {**_who(by), **_where(place), "code": code, "before": before or {}, "after": after or {}}
    with _scope_of(place):
        AuditEntry.objects.bulk_create([AuditEntry(**shared, **_what(thing)) for thing in things])


def note_change(
    code: str, place: Place, thing: models.Model, before: Facts, after: Facts, *, by: User | None = None
) -> None:
    """Only what differs; nothing when nothing does."""
    names = [name for name in after if before.get(name) != after[name]]
    if names:
        old, new = {name: before.get(name) for name in names}, {name: after[name] for name in names}
        note(code, place, thing, by=by, before=old, after=new)


def note_guest(code: str, place: Place, thing: models.Model | None = None, *, after: Facts | None = None) -> None:
    """Somebody whom we do not know: whatever they say of themselves is no name."""
    guest = {"actor": Actor.GUEST, "address": _address()}
    entry = AuditEntry(**guest, **_where(place), **_what(thing), code=code, after=after or {})
    with _scope_of(place):
        AuditEntry.objects.bulk_create([entry])


def note_refused(place: Administration | Environment, user: User, *, foreign: bool) -> None:
    """Somebody tried a door that is not theirs. Of a stranger an office learns the address, not the name."""
    if not cache.add(f"audit:refused:{user.pk}:{place.pk}", "", RATTLED_SECONDS):
        return
    if foreign:
        note_guest("door.refused", place, place)
    else:
        note("door.refused", place, place, by=user)


def _who(by: User | None) -> dict[str, Any]:
    working_for = origin()
    if working_for.command:
        return {"actor": Actor.OPERATOR, "actor_name": working_for.command}
    person = by or getattr(working_for.request, "user", None)
    if isinstance(person, User) and person.is_authenticated:
        return {"actor": Actor.PERSON, "actor_id": person.pk, "actor_name": str(person), "address": _address()}
    return {"actor": Actor.GUEST if working_for.request else Actor.SYSTEM, "address": _address()}


def _address() -> str:
    request = origin().request
    return address_of(request.META) if request else ""


def _where(place: Place) -> dict[str, Any]:
    if isinstance(place, Administration):
        return {"environment_id": place.environment_id, "administration_id": place.pk}
    return {"environment_id": place.pk if place else None}


def _what(thing: models.Model | None) -> dict[str, str]:
    if thing is None:
        return {}
    kind = str(thing._meta.model_name)
    return {"thing_kind": kind, "thing_id": str(thing.pk), "thing_name": str(thing).replace("\0", "")[:320]}


def _scope_of(place: Place) -> AbstractContextManager[None]:
    """That of the row, as the policy on PostgreSQL asks."""
    own = place.pk if isinstance(place, Administration) else None
    if current_scope() in (own or EVERY, EVERY):
        return nullcontext()
    return administration_scope(own) if own else every_administration()


# --- What ends ----------------------------------------------------------------------------------------------

_opened: ContextVar[bool] = ContextVar("audit opened", default=False)


@contextmanager
def opened_for_erasing() -> Iterator[None]:
    """The triggers let this transaction change and delete entries. For the term, and for who or what is erased."""
    with transaction.atomic():
        token = _opened.set(True)
        _announce("yes")
        try:
            yield
        finally:
            _opened.reset(token)
            if not connection.needs_rollback:  # a rollback takes the setting along
                _announce("")


def _announce(value: str) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('zenvoices.audit_opened', %s, true)", [value])


def _teach_sqlite(sender: Any, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """SQLite has no settings of a session: its triggers ask this function, which only our processes have."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("zenvoices_audit_opened", 0, lambda: int(_opened.get()))


connection_created.connect(_teach_sqlite, dispatch_uid="zenvoices.audit")


def prune() -> int:
    """What is older than the term, some in each tick; to be called in `every_administration`."""
    before = database_clock.now() - timedelta(days=settings.AUDIT_KEPT_DAYS)
    old = list(AuditEntry.objects.filter(at__lt=before).order_by("at").values_list("pk", flat=True)[:PRUNED_A_TICK])
    if old:
        erase(AuditEntry.objects.filter(pk__in=old))
    return len(old)


def erase(entries: models.QuerySet[AuditEntry]) -> int:
    with opened_for_erasing():
        return entries.delete()[0]
