"""Tenants whose every word is a canary: whoever reads one of them outside has found a leak.

`furnished` makes an object for each address of the policy, as the walk over the own ones does, and plants the canary
in each field that holds words.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.apps import apps
from django.db import models

from administrations.models import AdministrationAccess, Environment, EnvironmentAdmin, Invitation, Role, User
from channels.models import Channel, ChannelSecret
from documents.models import Document
from tests.cast import Cast, person
from tests.zenvoices.url_policy import POLICY
from zenvoices.lib.scoping import every_administration

Ids = dict[str, dict[str, Any]]

#: fields of rows of a tenant that people or mail servers filled with words
WORDS = {
    "account", "action_en", "action_nl", "address", "after_target", "client_id", "customer", "do_en", "do_nl", "email",
    "filename", "folder", "host", "key", "message_id", "name", "number", "profile", "query", "recipients", "reply",
    "reply_to", "sender", "sender_address", "sender_name", "signs_in_as", "sort_name", "source_name", "subject",
    "subject_en", "subject_nl", "supplier", "supplier_key", "tenant_id", "text", "text_en", "text_nl", "username",
    "value",
}  # fmt: skip
#: fields that hold our own codes, hashes, and what is never shown
CODES = {
    "authentication", "browser_sha256", "ciphertext", "content_sha256", "content_type", "currency", "error_code",
    "event", "first_validity", "flow", "iban", "inactive_reason", "kind", "lease_owner", "not_put_away", "outcome",
    "part_path", "parts_sha256", "path", "pdf_sha256", "problem", "provider", "raw_sha256", "reason", "secrets",
    "seen_validity", "sha256", "start_validity", "state_sha256", "supplier_vat", "syntax", "token_sha256", "uid",
    "validity",
}  # fmt: skip


def foreign_world(cast: Cast, canary: str) -> Cast:
    """Another office, with people of its own in each role."""
    EnvironmentAdmin.objects.filter(environment=cast.foreign_office).delete()
    _rename(cast.foreign_office, canary)
    return _peopled(replace(cast, office=cast.foreign_office, bakery=cast.foreign), canary)


def next_door_to(cast: Cast, canary: str) -> Cast:
    """Another administration of the same office, which only the office's Beheerder may enter."""
    return _peopled(replace(cast, bakery=cast.basic), canary)


def _peopled(world: Cast, canary: str) -> Cast:
    _rename(world.bakery, canary)
    world.bakery.plan = "premium"
    world.bakery.save()
    names = ("anna", "bert", "gerda", "arie")
    people: dict[str, User] = {name: person(f"{name}@{canary}.test", f"{name}-{canary}") for name in names}
    if world.office.name.endswith(canary):
        EnvironmentAdmin.objects.create(environment=world.office, user=people["anna"])
    else:
        people["anna"] = world.anna
    for name, role in (("bert", Role.ADMIN), ("gerda", Role.USER), ("arie", Role.SUBMITTER)):
        AdministrationAccess.objects.create(administration=world.bakery, user=people[name], role=role)
    return replace(world, **people)


def _rename(place: Environment | Any, canary: str) -> None:
    place.name = f"zaak-{canary}"
    place.save()


def furnished(world: Cast) -> Ids:
    """The ids of each address, of objects in this world."""
    return {name: row.ids(world) for name, row in POLICY.items()}


def plant(world: Cast, canary: str) -> None:
    with every_administration():
        for model in tenant_models():
            fields = words_of(model)
            for number, row in enumerate(model._default_manager.filter(administration_id=world.bakery.pk)):
                values = dict.fromkeys(fields, f"{canary}-{number}")
                model._default_manager.filter(pk=row.pk).update(**values)
        Channel.objects.filter(administration=world.bakery).update(
            error_code="unreachable", error_detail={"host": canary, "answer": canary}
        )
    for number, invitation in enumerate(Invitation.objects.filter(invited_by=world.bert)):
        Invitation.objects.filter(pk=invitation.pk).update(email=f"gast-{number}@{canary}.test")


def tenant_models() -> list[type[models.Model]]:
    """What has rows of one administration; roles in it are no words, and lines of the trail cannot be written over."""
    found = [model for model in apps.get_models() if any(f.name == "administration" for f in model._meta.fields)]
    return [model for model in found if model is not AdministrationAccess]


def words_of(model: type[models.Model]) -> list[str]:
    texts = [field for field in model._meta.concrete_fields if isinstance(field, models.CharField | models.TextField)]
    named = [field.name for field in texts if not field.choices and not field.primary_key]
    unknown = set(named) - WORDS - CODES
    assert not unknown, f"{model.__name__}: say whether these hold words (WORDS) or codes (CODES): {unknown}"
    return [] if model is ChannelSecret else [name for name in named if name in WORDS]


def documents_of(world: Cast) -> list[str]:
    with every_administration():
        return [str(pk) for pk in Document.objects.filter(administration=world.bakery).values_list("pk", flat=True)]
