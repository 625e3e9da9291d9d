import django.db.models.deletion
from django.db import migrations, models

from zenvoices.lib.planning import drop_index_of, estimate_belonging
from zenvoices.lib.scoping import renew_policies


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ('administrations', '0009_estimates'),
        ('channels', '0021_tallies'),
    ]

    operations = [
        renew_policies("channels_channel", "channels_channelrule", "channels_channelsecret", "channels_connectioncheck", "channels_consentlink", "channels_fetchrun", "channels_furtherfolder", "channels_pendingauthorisation", "channels_previewedmail", "channels_receivedmail", "channels_receivedpart"),
        estimate_belonging("channels_fetchrun", "channel_id"),
        estimate_belonging("channels_receivedmail", "channel_id", "run_id"),
        drop_index_of(
            model_name='channel',
            name='administration',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='administrations.administration'),
        ),
        drop_index_of(
            model_name='channelrule',
            name='channel',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='rules', to='channels.channel'),
        ),
        drop_index_of(
            model_name='channelsecret',
            name='channel',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='secrets', to='channels.channel'),
        ),
        drop_index_of(
            model_name='fetchrun',
            name='channel',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='runs', to='channels.channel'),
        ),
        drop_index_of(
            model_name='furtherfolder',
            name='channel',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='further_folders', to='channels.channel'),
        ),
        drop_index_of(
            model_name='receivedmail',
            name='channel',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='ledger', to='channels.channel'),
        ),
        drop_index_of(
            model_name='receivedpart',
            name='mail',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='channels.receivedmail'),
        ),
    ]
