from typing import Any

from django.db import migrations
from django.db.models import Sum

from zenvoices.lib.scoping import every_administration


def count(apps: Any, schema_editor: Any) -> None:
    """What is there already, once."""
    use, email, document = (apps.get_model("documents", name) for name in ("StorageUse", "Email", "Document"))
    sums: dict[Any, int] = {}
    with every_administration():
        mails = email.objects.order_by().values_list("administration_id").annotate(all=Sum("raw_size"))
        kept = document.objects.filter(deleted_at=None).order_by().values_list("administration_id")
        for administration_id, size in [*mails, *kept.annotate(all=Sum("size"))]:
            sums[administration_id] = sums.get(administration_id, 0) + size
        use.objects.bulk_create([use(administration_id=one, bytes=size) for one, size in sums.items()])


class Migration(migrations.Migration):
    dependencies = [("documents", "0006_storage_use")]

    operations = [migrations.RunPython(count, migrations.RunPython.noop)]
