from django.db import migrations

from zenvoices.lib.scoping import enable_row_level_security


class Migration(migrations.Migration):
    dependencies = [("documents", "0001_initial")]

    operations = [enable_row_level_security("documents_email", "documents_document")]
