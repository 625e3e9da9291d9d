"""One scrape: the parts first, then each group of figures behind a wall, so that what fails leaves out itself alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import structlog
from prometheus_client import REGISTRY, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

import channels.metrics
import documents.metrics
import notifications.metrics
from zenvoices.doctor.parts import examine
from zenvoices.metrics import parts

log = structlog.get_logger(__name__)
#: seconds for the parts, together: Prometheus gives up after ten
PATIENCE: Final = 4.0


@dataclass(frozen=True, slots=True)
class Group:
    """`part`: what it stands on, and is not asked without; "" for nothing."""

    name: str
    part: str
    families: Callable[[], Iterable[Metric]]


GROUPS: Final = (
    Group("channels", "database", channels.metrics.families),
    Group("mail", "database", notifications.metrics.families),
    Group("documents", "database", documents.metrics.families),
    Group("disk", "", documents.metrics.disk),
    Group("queues", "broker", parts.queues),
)


class PortalCollector(Collector):
    def describe(self) -> Iterator[Metric]:
        """Nothing, so that registering asks no database."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        answers = {found.part: found.ok for found in examine(parts.PARTS, PATIENCE)}
        up = GaugeMetricFamily("zenvoices_part_up", "1 while this part of the portal answers", labels=["part"])
        for name, ok in answers.items():
            up.add_metric([name], ok)
        yield up
        had = GaugeMetricFamily(
            "zenvoices_scrape_collector_success", "1 when this group of figures could be had", labels=["collector"]
        )
        for group in GROUPS:
            families = _had(group) if answers.get(group.part, True) else None
            yield from families or ()
            had.add_metric([group.name], families is not None)
        yield had


def _had(group: Group) -> list[Metric] | None:
    try:
        return list(group.families())
    except Exception:
        log.exception("figures could not be had", collector=group.name)
        return None


REGISTRY.register(PortalCollector())


def text() -> bytes:
    """In Prometheus' format; the process that answers is in it too."""
    return generate_latest(REGISTRY)
