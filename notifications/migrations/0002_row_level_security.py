from django.db import migrations

from zenvoices.lib.scoping import enable_row_level_security


class Migration(migrations.Migration):
    dependencies = [("notifications", "0001_initial")]

    operations = [enable_row_level_security("notifications_notification")]
