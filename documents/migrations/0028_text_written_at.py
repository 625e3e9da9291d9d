import django.utils.timezone
from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Now

from zenvoices.lib.scoping import every_administration


def _mark_what_lacks_it(apps, schema_editor):
    """Looked for in all documents once, here, instead of each hour."""
    document = apps.get_model("documents", "Document")
    with every_administration():
        late = document.objects.filter(Q(search_text=None) | Q(einvoice_read_at__gt=F("search_text__written_at")))
        document.objects.filter(pk__in=late.values("pk")).update(text_written_at=None)


class Migration(migrations.Migration):
    """The default of the first operation fills what stands without writing a row; of a process of the version before,
    which names no such column, it is empty from the second on."""

    dependencies = [("documents", "0027_estimates")]

    operations = [
        migrations.AddField(
            model_name="document",
            name="text_written_at",
            field=models.DateTimeField(blank=True, null=True, default=django.utils.timezone.now, db_default=Now()),
        ),
        migrations.AlterField(
            model_name="document",
            name="text_written_at",
            field=models.DateTimeField(blank=True, null=True, default=django.utils.timezone.now),
        ),
        migrations.AddIndex(
            model_name="document",
            index=models.Index(
                fields=["id"],
                condition=Q(text_written_at=None) | Q(einvoice_read_at__gt=F("text_written_at")),
                name="document_text_late",
            ),
        ),
        migrations.RunPython(_mark_what_lacks_it, migrations.RunPython.noop),
    ]
