from django.db import migrations

from zenvoices.lib.scoping import enable_row_level_security


class Migration(migrations.Migration):
    dependencies = [("channels", "0003_oauth")]

    operations = [enable_row_level_security("channels_consentlink", "channels_pendinglink")]
