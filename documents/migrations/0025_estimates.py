from django.db import migrations

from zenvoices.lib.scoping import estimate_behind_policies


class Migration(migrations.Migration):
    dependencies = [("documents", "0024_search_index")]

    operations = [
        estimate_behind_policies("documents_document", "documents_einvoice", "documents_email", "documents_searchtext"),
    ]
