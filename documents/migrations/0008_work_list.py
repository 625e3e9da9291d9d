from datetime import timedelta
from typing import Any

from django.db import migrations, models
from django.utils import timezone

from zenvoices.lib.scoping import every_administration

#: what came in so long before the upgrade may still be worked on
RECENT = timedelta(days=30)


def _recent_is_not_done(apps: Any, schema_editor: Any) -> None:
    recent = apps.get_model("documents", "Document").objects.filter(received_at__gt=timezone.now() - RECENT)
    with every_administration():
        recent.update(done_at=None)


def _index(name: str, *fields: str, **condition: Any) -> migrations.AddIndex:
    index = models.Index(fields=["administration", *fields], condition=models.Q(**condition), name=name)
    return migrations.AddIndex("document", index)


class Migration(migrations.Migration):
    """What was here before counts as seen and done: a list of years of documents is nobody's work.

    Two defaults that leave again: PostgreSQL writes no row for them, and what an older worker takes in is new.
    """

    dependencies = [("documents", "0007_storage_use_counted")]

    operations = [
        migrations.AddField("document", "seen_at", models.DateTimeField(null=True, blank=True, default=timezone.now)),
        migrations.AddField("document", "done_at", models.DateTimeField(null=True, blank=True, default=timezone.now)),
        migrations.AlterField("document", "seen_at", models.DateTimeField(null=True, blank=True)),
        migrations.AlterField("document", "done_at", models.DateTimeField(null=True, blank=True)),
        _index("document_todo", "-received_at", "-id", deleted_at=None, done_at=None),
        _index("document_new", "-received_at", "-id", deleted_at=None, done_at=None, seen_at=None),
        _index("document_seen", "-received_at", "-id", deleted_at=None, done_at=None, seen_at__isnull=False),
        _index("document_done", "-received_at", "-id", deleted_at=None, done_at__isnull=False),
        _index("document_done_together", "done_at", done_at__isnull=False),
        migrations.RunPython(_recent_is_not_done, migrations.RunPython.noop),
    ]
