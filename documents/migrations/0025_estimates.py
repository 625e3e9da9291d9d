from django.db import migrations


class Migration(migrations.Migration):
    """It made statistics on what policies compare; the policies of 0027 need none, and it drops them."""

    dependencies = [("documents", "0024_search_index")]

    operations = []
