from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0023_folder_of_previewed_mail'),
    ]

    operations = [
        migrations.AddField(
            model_name='connectioncheck',
            name='seen',
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
        migrations.AlterField(
            model_name='connectioncheck',
            name='outcome',
            field=models.CharField(blank=True, choices=[('passed', 'Passed'), ('failed', 'Failed'), ('not_started', 'Not Started'), ('interrupted', 'Interrupted'), ('not_linked', 'Not Linked'), ('not_allowed', 'Not Allowed'), ('gone', 'Gone'), ('changed', 'Changed')], max_length=11),
        ),
    ]
