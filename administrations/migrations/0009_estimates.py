import django.db.models.deletion
from django.db import migrations, models

from zenvoices.lib.planning import drop_index_of
from zenvoices.lib.scoping import renew_policies


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ('administrations', '0008_daily_email'),
    ]

    operations = [
        renew_policies("administrations_auditentry"),
        drop_index_of(
            model_name='administration',
            name='environment',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='administrations', to='administrations.environment'),
        ),
        drop_index_of(
            model_name='administrationaccess',
            name='administration',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='access', to='administrations.administration'),
        ),
        drop_index_of(
            model_name='environmentadmin',
            name='environment',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='admins', to='administrations.environment'),
        ),
    ]
