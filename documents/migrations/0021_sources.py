import uuid
from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Max

from zenvoices.lib.scoping import enable_row_level_security, every_administration


def _keep(apps: Any, schema_editor: Any) -> None:
    documents, source = (apps.get_model("documents", name) for name in ("Document", "SourceName"))
    with every_administration():
        came = documents.objects.exclude(source_id=None).order_by()
        named = came.values_list("administration_id", "source_id").annotate(name=Max("source_name"))
        source.objects.bulk_create(
            (source(administration_id=place, source_id=key, name=name) for place, key, name in named.iterator()),
            batch_size=500,
        )


class Migration(migrations.Migration):
    """What came in before has its channels too."""

    dependencies = [
        ('administrations', '0008_daily_email'),
        ('documents', '0020_forwarding'),
    ]

    operations = [
        migrations.CreateModel(
            name='SourceName',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('source_id', models.UUIDField()),
                ('name', models.CharField(max_length=120)),
                ('administration', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='administrations.administration')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('administration', 'source_id'), name='one_source_of_a_channel')],
            },
        ),
        enable_row_level_security('documents_sourcename'),
        migrations.RunPython(_keep, migrations.RunPython.noop),
    ]
