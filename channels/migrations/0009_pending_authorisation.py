import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """PendingLink is called what it is; PostgreSQL keeps the table's row-level security under its new name."""

    dependencies = [("channels", "0008_schedule")]

    operations = [
        migrations.RenameModel("PendingLink", "PendingAuthorisation"),
        migrations.AlterField(
            "pendingauthorisation",
            "channel",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="pending_authorisations",
                to="channels.channel",
            ),
        ),
        migrations.AlterField(
            "fetchrun", "trigger", models.CharField(choices=[("schedule", "Schedule"), ("manual", "Manual")], max_length=8)
        ),
    ]
