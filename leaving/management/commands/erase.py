"""Erases an administration, an environment, a person, or documents whose term is over, in the foreground."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from administrations.models import Administration, Environment, User
from leaving import erasing, plans
from leaving.models import Erasure
from leaving.plans import Kind, Plan
from zenvoices.lib.commands import OperatorCommand, OperatorError

T = TypeVar("T")


class Command(OperatorCommand):
    help = "Erases for good what `kind` and `which` name, and says how much that was. Run again, it goes on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=Kind.values)
        parser.add_argument(
            "which", help="id of the administration (also for documents) or environment; email address of the person"
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would go, and what stands in the way")
        parser.add_argument(
            "--keeps-export",
            action="store_true",
            help="the term may still run: somebody else keeps the documents",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        plan = _plan(Kind(options["kind"]), options["which"])
        said = {"kind": plan.kind, "name": plan.name, **plan.counts}
        if options["dry_run"]:
            self.say({**said, "refused": plan.refusal, "kept_until": plan.kept_until})
            return
        try:
            erasure = erasing.ask(plan, None, keeps_export=options["keeps_export"])
        except erasing.Refused as refused:
            raise OperatorError(refused.code, _REFUSALS[refused.code]) from refused
        erasing.perform(erasure.pk)
        erasure.refresh_from_db()
        self.say(
            {**said, "state": erasure.state, "problem": erasure.problem}, failed=erasure.state != Erasure.State.DONE
        )


_REFUSALS = {
    "held": "A hold stands on it; a Beheerder lifts it first.",
    "term": "Its term still runs; --keeps-export says that somebody else keeps the documents.",
    "nothing_past_term": "No document has outlived its term.",
    "last_administrator": "An environment keeps at least one administrator.",
}


def _plan(kind: Kind, which: str) -> Plan:
    if kind == Kind.PERSON:
        person = User.objects.filter(email__iexact=which).first()
        return plans.of_person(_there(person, which))
    if kind == Kind.ENVIRONMENT:
        return plans.of_environment(_there(Environment.objects.filter(pk=_id(which)).first(), which))
    rows = Administration.objects.select_related("environment")
    found = _there(rows.filter(pk=_id(which)).first(), which)
    return plans.of_documents(found) if kind == Kind.DOCUMENTS else plans.of_administration(found)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise CommandError(f"{text} is not an id") from error


def _there(found: T | None, which: str) -> T:
    if found is None:
        raise OperatorError("not_found", f"there is no {which}")
    return found
