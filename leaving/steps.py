"""The steps of an erasure. Each may be begun again after any crash, and works in short transactions.

The tables of an administration are found by looking at every model, so that a new one is not forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from graphlib import TopologicalSorter
from typing import Any, Final
from uuid import UUID

from django.apps import apps
from django.db import transaction
from django.db.models import CASCADE, ForeignKey, Model, QuerySet, Sum

from administrations import audit
from administrations.access import environments_of
from administrations.audit_entry import AuditEntry
from administrations.models import Administration, Environment, Invitation, User
from channels.links import tokens
from channels.models import Channel, ChannelSecret, ConnectionCheck, ReceivedPart
from documents import preview, quota, storage, sweeping, written_down
from documents.models import Document, EInvoice, Email, Move
from leaving import people, plans, proposals
from leaving.bundles import Alive, in_bundles
from leaving.models import Erasure
from zenvoices.lib.scoping import administration_scope, every_administration

Step = Callable[[Erasure, Alive], None]
FILES_AT_ONCE: Final = 200


def place_of(erasure: Erasure) -> Administration | Environment | None:
    """Where its lines stand in the audit trail: in what is left when it is done."""
    if erasure.kind == Erasure.Kind.DOCUMENTS:
        return erasure.administration
    return None if erasure.kind == Erasure.Kind.ENVIRONMENT else erasure.environment


def _each(work: Callable[[UUID, Alive], None]) -> Step:
    def step(erasure: Erasure, alive: Alive) -> None:
        for administration_id in map(UUID, erasure.administration_ids):
            with administration_scope(administration_id):
                work(administration_id, alive)

    return step


# --- An administration ----------------------------------------------------------------------------------


def end_links(administration_id: UUID, alive: Alive) -> None:
    """At the providers as disconnecting does, then every secret here."""
    for channel in Channel.objects.all():
        alive()
        tokens.forget(channel)
    ChannelSecret.objects.all().delete()
    ConnectionCheck.objects.exclude(secrets="").update(secrets="")


def erase_rows(administration_id: UUID, alive: Alive) -> None:
    _forget_names(administration_id)
    _forget_where_documents_went(administration_id)
    for model, owner in tables():
        in_bundles(rows_of(model, owner, administration_id), alive)
    in_bundles(AuditEntry.objects.filter(administration_id=administration_id), alive, audit.erase)


def erase_administration(administration_id: UUID, alive: Alive) -> None:
    """The row itself, with whatever came in since; nothing can come after it."""
    with transaction.atomic():
        found = Administration.objects.select_for_update().filter(pk=administration_id).first()
        if found is None:
            return
        for model, owner in tables():
            rows_of(model, owner, administration_id).delete()
        audit.erase(AuditEntry.objects.filter(administration_id=administration_id))
        _leave_invitations(found)
        found.delete()


def erase_files(administration_id: UUID, alive: Alive) -> None:
    storage.erase(administration_id, alive)
    preview.erase(administration_id, alive)


def tables() -> list[tuple[type[Model], str]]:
    """Every model whose rows belong to one administration, and by which field; what points at another comes first."""
    owners = {model: field.name for model in apps.get_models() if (field := _owner_of(model))}
    before: dict[type[Model], set[type[Model]]] = {model: set() for model in owners}
    for model in owners:
        for field in _foreign_keys(model):
            if field.related_model in owners and field.related_model is not model:
                before[field.related_model].add(model)
    return [(model, owners[model]) for model in TopologicalSorter(before).static_order()]


def _owner_of(model: type[Model]) -> ForeignKey[Any, Any] | None:
    keys = (key for key in _foreign_keys(model) if key.related_model is Administration)
    return next((key for key in keys if key.remote_field.on_delete is CASCADE), None)


def _foreign_keys(model: type[Model]) -> list[ForeignKey[Any, Any]]:
    return [field for field in model._meta.concrete_fields if isinstance(field, ForeignKey)]


def rows_of(model: type[Model], owner: str, administration_id: UUID) -> QuerySet[Any]:
    return model._base_manager.filter(**{owner: administration_id})


def _forget_names(administration_id: UUID) -> None:
    """Lines of the environment that say for which administrations somebody was invited."""
    found = Administration.objects.filter(pk=administration_id).first()
    if found is None:
        return
    names = _names_of(found)
    with every_administration(), audit.opened_for_erasing():
        lines = AuditEntry.objects.filter(environment_id=found.environment_id, administration_id=None)
        for line in lines.filter(after__has_key="roles"):
            kept = {name: role for name, role in line.after["roles"].items() if name not in names}
            if kept != line.after["roles"]:
                AuditEntry.objects.filter(pk=line.pk).update(after=line.after | {"roles": kept})


def _names_of(administration: Administration) -> set[str]:
    """Those that it had, too."""
    changed = AuditEntry.objects.filter(administration_id=administration.pk, code="administration.changed")
    return {administration.name, *(str(line.before.get("name", "")) for line in changed)}


def _forget_where_documents_went(administration_id: UUID) -> None:
    """What came from here stays where it is: that is theirs. Where it came from, or went, they forget."""
    found = Administration.objects.filter(pk=administration_id).first()
    if found is None:
        return
    with every_administration(), audit.opened_for_erasing():
        Move.objects.filter(other=found).update(other=None)
        lines = AuditEntry.objects.filter(environment_id=found.environment_id, code__startswith="document.moved_")
        for field in ("moved_from", "moved_to"):
            lines.filter(**{f"after__{field}__in": _names_of(found)}).update(after={field: ""})


def _leave_invitations(administration: Administration) -> None:
    key = str(administration.pk)
    for invitation in Invitation.objects.filter(environment=administration.environment_id, roles__has_key=key):
        del invitation.roles[key]
        if invitation.roles or invitation.environment_admin:
            invitation.save(update_fields=["roles"])
        else:
            invitation.delete()


# --- An environment -------------------------------------------------------------------------------------


def erase_environment(erasure: Erasure, alive: Alive) -> None:
    """With its invitations, its Beheerders' rights and its lines of the audit trail."""
    if erasure.environment_id is None:
        return
    with every_administration():
        late = Administration.objects.filter(environment=erasure.environment_id).values_list("pk", flat=True)
        if made_meanwhile := [str(pk) for pk in late]:  # by create_administration
            erasure.administration_ids = made_meanwhile
            for step in _OF_ADMINISTRATIONS.values():
                step(erasure, alive)
        lines = AuditEntry.objects.filter(environment_id=erasure.environment_id)
        in_bundles(lines, alive, audit.erase)
        with transaction.atomic():
            audit.erase(lines)
            Environment.objects.filter(pk=erasure.environment_id).delete()
    erasure.environment = None


def erase_people(erasure: Erasure, alive: Alive) -> None:
    """Of an environment but those who came into another since it was asked."""
    for person in User.objects.filter(pk__in=erasure.people_ids):
        if erasure.kind == Erasure.Kind.PERSON or not environments_of(person).exists():
            people.erase(person, alive)


# --- Documents after their term -------------------------------------------------------------------------


def erase_documents(erasure: Erasure, alive: Alive) -> None:
    """Documents, then their mails. Ends where it is as soon as somebody puts a hold on them."""
    assert erasure.before is not None  # noqa: S101 (of this kind)
    for administration in Administration.objects.filter(pk__in=erasure.administration_ids):
        with administration_scope(administration.pk):
            documents, mails = plans.past_term(administration, erasure.before)
            while not _is_held(administration) and _some_documents(administration.pk, documents):
                alive()
            while not _is_held(administration) and _some_mails(administration.pk, mails.filter(documents=None)):
                alive()
            proposals.settle(administration)


def _is_held(administration: Administration) -> bool:
    return Administration.objects.filter(pk=administration.pk, held_since__isnull=False).exists()


def _some_documents(administration_id: UUID, rows: QuerySet[Document]) -> bool:
    chosen = list(rows.order_by().values_list("pk", "sha256")[:FILES_AT_ONCE])
    some = Document.objects.filter(pk__in=[pk for pk, _ in chosen])
    inside = EInvoice.objects.filter(document__in=some).exclude(pdfs=[]).values_list("pdfs", flat=True)
    drawn = [pdf["sha256"] for pdfs in inside for pdf in pdfs]
    other_halves = list(Document.objects.filter(companion__in=some).values_list("pk", flat=True))
    with transaction.atomic():
        quota.grew_by(some.filter(deleted_at=None), -1)
        some.delete()
        written_down.anew(other_halves)  # what stays says nothing of what went
    _forget_files(administration_id, [sha256 for _, sha256 in chosen], drawn)
    return bool(chosen)


def _some_mails(administration_id: UUID, rows: QuerySet[Email]) -> bool:
    """The ledger keeps that they came, so that no fetch takes them again."""
    chosen = list(rows.order_by().values_list("pk", "raw_sha256")[:FILES_AT_ONCE])
    some = Email.objects.filter(pk__in=[pk for pk, _ in chosen])
    with transaction.atomic():
        quota.grew(administration_id, -(some.aggregate(all=Sum("raw_size"))["all"] or 0))
        ReceivedPart.objects.filter(mail__email__in=some).delete()
        some.delete()
    _forget_files(administration_id, [sha256 for _, sha256 in chosen], [])
    return bool(chosen)


def _forget_files(administration_id: UUID, named: list[str], drawn: list[str]) -> None:
    """Those that no other document or mail has; killed before, the sweep takes them."""
    for sha256 in set(named) - sweeping.needed(administration_id, named):
        storage.delete(administration_id, sha256)
        preview.forget(administration_id, sha256)
    for sha256 in drawn:
        preview.forget(administration_id, sha256)


_OF_ADMINISTRATIONS: Final[Mapping[str, Step]] = {
    "links": _each(end_links),
    "rows": _each(erase_rows),
    "administration": _each(erase_administration),
    "files": _each(erase_files),
}
#: by their names in the audit trail
STEPS: Final[Mapping[Erasure.Kind, Mapping[str, Step]]] = {
    Erasure.Kind.ADMINISTRATION: _OF_ADMINISTRATIONS,
    Erasure.Kind.ENVIRONMENT: {**_OF_ADMINISTRATIONS, "environment": erase_environment, "people": erase_people},
    Erasure.Kind.PERSON: {"people": erase_people},
    Erasure.Kind.DOCUMENTS: {"documents": erase_documents},
}
