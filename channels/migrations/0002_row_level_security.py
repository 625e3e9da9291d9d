from django.db import migrations

from zenvoices.lib.scoping import enable_row_level_security


class Migration(migrations.Migration):
    dependencies = [("channels", "0001_initial")]

    operations = [enable_row_level_security("channels_channel", "channels_channelsecret", "channels_fetchrun", "channels_receivedmail", "channels_receivedpart")]
