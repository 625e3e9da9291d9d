from typing import Any

from django.db import migrations

from documents.senders import folded
from zenvoices.lib.domains import sender_key
from zenvoices.lib.scoping import every_administration

_AT_ONCE = 2_000


def _know_who_sent_before(apps: Any, schema_editor: Any) -> None:
    """Nobody warned of them, so they make known what comes next."""
    email, sender = apps.get_model("documents", "Email"), apps.get_model("documents", "Sender")
    with every_administration():
        senders = email.objects.exclude(documents=None).order_by()
        told = senders.values_list("administration_id", "sender_address", "sender_name").distinct()
        known = {
            (administration_id, key, folded(name)[:100])
            for administration_id, address, name in told.iterator(chunk_size=_AT_ONCE)
            if (key := sender_key(address))
        }
        rows = [sender(administration_id=of, key=key, name=name) for of, key, name in known]
        sender.objects.bulk_create(rows, batch_size=_AT_ONCE, ignore_conflicts=True)


def _know_suppliers_by_name(apps: Any, schema_editor: Any) -> None:
    einvoice = apps.get_model("documents", "EInvoice")
    with every_administration():
        some = list(einvoice.objects.filter(supplier_key="").exclude(supplier="").order_by("pk")[:_AT_ONCE])
        while some:
            for one in some:
                one.supplier_key = folded(one.supplier)
            einvoice.objects.bulk_update(some, ["supplier_key"])
            rest = einvoice.objects.filter(supplier_key="", pk__gt=some[-1].pk).exclude(supplier="")
            some = list(rest.order_by("pk")[:_AT_ONCE])


class Migration(migrations.Migration):
    """What came before is what later mails and e-invoices are held against."""

    dependencies = [("documents", "0013_findings")]

    operations = [
        migrations.RunPython(_know_who_sent_before, migrations.RunPython.noop),
        migrations.RunPython(_know_suppliers_by_name, migrations.RunPython.noop),
    ]
