from django.db import migrations

from zenvoices.lib.scoping import renew_policies


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("leaving", "0002_erasures")]

    operations = [renew_policies("leaving_export")]
