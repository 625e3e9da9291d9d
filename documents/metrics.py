"""Figures for Prometheus about what the storage holds, and what room there is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db.models import Sum
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from documents import quota
from documents.models import StorageUse
from zenvoices.lib.scoping import every_administration


def families() -> Iterator[Metric]:
    """As the quota counts them: from its sums, so that no document is looked at."""
    most = quota.most_bytes()
    with every_administration():
        used = StorageUse.objects.aggregate(all=Sum("bytes"))["all"] or 0
        nearly = StorageUse.objects.filter(bytes__gte=most * quota.NEARLY_FULL).count() if most else 0
    yield GaugeMetricFamily("zenvoices_storage_used_bytes", "What all administrations keep", used)
    yield GaugeMetricFamily(
        "zenvoices_administrations_nearly_full", "Administrations that have used most of their quota", nearly
    )


def disk() -> Iterator[Metric]:
    """Of the folder of documents; a bucket does not say how large it is."""
    if settings.DOCUMENT_STORAGE:
        return
    folder = Path(settings.DATA_DIR) / "documents"
    room = shutil.disk_usage(folder if folder.exists() else folder.parent)
    yield GaugeMetricFamily("zenvoices_storage_size_bytes", "How large the disk of the documents is", room.total)
    yield GaugeMetricFamily("zenvoices_storage_free_bytes", "How much of it is free", room.free)
