from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django.db import migrations

from documents import sort_keys
from zenvoices.lib.scoping import every_administration

_AT_ONCE = 2_000


def _keep(apps: Any, schema_editor: Any) -> None:
    model = apps.get_model("documents", "Document")
    rows = model.objects.select_related("email", "einvoice", "companion__einvoice").defer("email__text").order_by("pk")
    last = UUID(int=0)
    with every_administration():
        while some := list(rows.filter(pk__gt=last)[:_AT_ONCE]):
            for one in some:
                sort_keys.put(one, _invoice(one))
            model.objects.bulk_update(some, ["sort_date", "sort_name", "sort_amount"], batch_size=500)
            last = some[-1].pk


def _invoice(document: Any) -> Any:
    """As documents.queries.shown_invoice: the XML before the PDF."""
    halves = [one for one in (document, document.companion) if one]
    for half in sorted(halves, key=lambda one: one.content_type == "application/pdf"):
        read = getattr(half, "einvoice", None)
        if half.einvoice_read_at and read and not read.problem:
            amount = read.payable if read.total is None else read.total
            return SimpleNamespace(supplier=read.supplier, issued=read.issued, amount=amount)
    return None


class Migration(migrations.Migration):
    """What came in before can be sorted too."""

    dependencies = [("documents", "0017_sort_keys")]

    operations = [migrations.RunPython(_keep, migrations.RunPython.noop)]
