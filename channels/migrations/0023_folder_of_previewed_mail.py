from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0022_estimates'),
    ]

    operations = [
        migrations.AddField(
            model_name='previewedmail',
            name='folder',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
    ]
