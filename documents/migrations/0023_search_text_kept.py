from uuid import UUID

from django.db import migrations, transaction

from documents.search_text import text_as_read
from zenvoices.lib.scoping import every_administration

_AT_ONCE = 500


def _keep(apps, schema_editor):
    """Each portion is a transaction: nobody who takes documents in waits for the next."""
    document, kept = (apps.get_model("documents", name) for name in ("Document", "SearchText"))
    rows = document.objects.select_related("email", "einvoice", "companion__einvoice").order_by("pk")
    last = UUID(int=0)
    with every_administration():
        while some := list(rows.filter(pk__gt=last)[:_AT_ONCE]):
            texts = [kept(administration_id=one.administration_id, document=one, text=text_as_read(one)) for one in some]
            with transaction.atomic():
                kept.objects.bulk_create(texts, ignore_conflicts=True)
            last = some[-1].pk


class Migration(migrations.Migration):
    """What came in before can be found too."""

    atomic = False
    dependencies = [("documents", "0022_search_text")]

    operations = [migrations.RunPython(_keep, migrations.RunPython.noop)]
