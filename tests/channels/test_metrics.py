"""What Prometheus is told, and who may ask."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from administrations.models import Administration
from channels.models import Channel, FailingStep
from tests.cast import Cast
from tests.channels.test_health import channel_in
from zenvoices.lib.scoping import every_administration


def test_metrics_count_channels_of_all_administrations(cast: Cast, client: Client) -> None:
    late, basic = channel_in(cast.bakery), channel_in(cast.foreign)
    with every_administration():
        Channel.objects.filter(pk=late.pk).update(next_fetch_at=timezone.now() - timedelta(minutes=5), failures=2)
        Channel.objects.filter(pk=basic.pk).update(next_fetch_at=timezone.now() - timedelta(days=5))
        Administration.objects.filter(pk=basic.administration_id).update(plan="basic")  # fetches nothing any more
    lines = client.get("/metrics").text.splitlines()
    told = dict(line.rsplit(" ", 1) for line in lines if line.startswith("zenvoices_"))
    assert told.pop("zenvoices_fetch_lateness_seconds").startswith("30")
    assert told == {
        'zenvoices_channels{state="draft"}': "0.0",
        'zenvoices_channels{state="active"}': "2.0",
        'zenvoices_channels{state="inactive"}': "0.0",
        "zenvoices_channels_due": "1.0",
        "zenvoices_fetches_open": "0.0",
        "zenvoices_channels_failing": "1.0",
        "zenvoices_host_outages": "0.0",
        "zenvoices_schedule_steps_failing": "0.0",
    }


def test_step_of_the_schedule_that_fails_is_told_with_how_long(db: None, client: Client) -> None:
    FailingStep.objects.create(name="purge", problem="KeyError", since=timezone.now() - timedelta(minutes=5))
    told = dict(line.rsplit(" ", 1) for line in client.get("/metrics").text.splitlines() if "step" in line)
    assert told["zenvoices_schedule_steps_failing"] == "1.0"
    assert told['zenvoices_schedule_step_failing_seconds{step="purge"}'].startswith("300.")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"REMOTE_ADDR": "192.0.2.7"}, 403),
        ({"HTTP_X_FORWARDED_FOR": "192.0.2.7"}, 403),  # through a proxy on loopback
        ({"REMOTE_ADDR": "192.0.2.7", "HTTP_AUTHORIZATION": "Bearer wrong"}, 403),
        ({"REMOTE_ADDR": "192.0.2.7", "HTTP_AUTHORIZATION": "Bearer a-token"}, 200),
    ],
)
def test_metrics_answer_loopback_or_a_bearer_token_only(
    db: None, client: Client, settings: object, headers: dict[str, str], status: int
) -> None:
    settings.METRICS_TOKEN = "a-token"
    assert client.get("/metrics", **headers).status_code == status
