import django.db.models.deletion
from django.db import migrations, models

from zenvoices.lib.planning import drop_index_of, estimate_belonging
from zenvoices.lib.scoping import renew_policies


def _drop_earlier_statistics(apps, schema_editor):
    """Of 0025: the policies need none."""
    if schema_editor.connection.vendor == "postgresql":
        for name in ("document", "einvoice", "email", "searchtext"):
            schema_editor.execute(f"DROP STATISTICS IF EXISTS documents_{name}_owners")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ('administrations', '0009_estimates'),
        ('documents', '0026_filters_of_few'),
    ]

    operations = [
        renew_policies("documents_document", "documents_einvoice", "documents_email", "documents_finding", "documents_forward", "documents_forwardaddress", "documents_move", "documents_note", "documents_question", "documents_savedfilter", "documents_searchtext", "documents_sender", "documents_sourcename", "documents_storageuse", "documents_supplier"),
        migrations.RunPython(_drop_earlier_statistics, migrations.RunPython.noop),
        estimate_belonging("documents_document", "source_id"),
        drop_index_of(
            model_name='document',
            name='administration',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='administrations.administration'),
        ),
        drop_index_of(
            model_name='document',
            name='email',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='documents', to='documents.email'),
        ),
        drop_index_of(
            model_name='einvoice',
            name='administration',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='administrations.administration'),
        ),
        drop_index_of(
            model_name='email',
            name='administration',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='administrations.administration'),
        ),
        drop_index_of(
            model_name='finding',
            name='document',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='findings', to='documents.document'),
        ),
        drop_index_of(
            model_name='forward',
            name='administration',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='administrations.administration'),
        ),
        drop_index_of(
            model_name='forward',
            name='document',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='forwards', to='documents.document'),
        ),
        drop_index_of(
            model_name='move',
            name='administration',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='administrations.administration'),
        ),
        drop_index_of(
            model_name='question',
            name='administration',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='administrations.administration'),
        ),
        drop_index_of(
            model_name='savedfilter',
            name='administration',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='administrations.administration'),
        ),
        drop_index_of(
            model_name='sender',
            name='administration',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='administrations.administration'),
        ),
        drop_index_of(
            model_name='sourcename',
            name='administration',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='administrations.administration'),
        ),
        drop_index_of(
            model_name='storageuse',
            name='administration',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='administrations.administration'),
        ),
        drop_index_of(
            model_name='supplier',
            name='administration',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='administrations.administration'),
        ),
    ]
