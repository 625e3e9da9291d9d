import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from zenvoices.lib.planning import drop_index_of
from zenvoices.lib.scoping import renew_policies


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ('notifications', '0008_mail_tallies'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        renew_policies("notifications_notification"),
        drop_index_of(
            model_name='notification',
            name='user',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='notifications', to=settings.AUTH_USER_MODEL),
        ),
    ]
