from django.db import migrations

from zenvoices.lib.scoping import estimate_behind_policies


class Migration(migrations.Migration):
    dependencies = [("channels", "0021_tallies")]

    operations = [
        estimate_behind_policies(
            "channels_channel", "channels_fetchrun", "channels_receivedmail", "channels_receivedpart"
        ),
    ]
