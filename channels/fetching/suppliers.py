"""An invoice that comes each month is missing: seen once a day, when a channel is listened to (silence.py).

While a channel of the administration fails, what did not come may be waiting there: nothing new is said to be missing.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from django.db.models import Q

from channels.models import Channel
from documents import suppliers
from documents.models import Document
from zenvoices.lib.days import midnight
from zenvoices.lib.scoping import administration_scope

#: documents looked at for one channel: of a usual day, and at first of its past
DOCUMENTS_READ: Final = 1_000
PAST: Final = timedelta(days=400)
SUPPLIERS_READ: Final = 500


def listen(channel: Channel, today: date) -> None:
    """Within a transaction that holds the channel. The caller saves `suppliers_heard_on`."""
    heard, channel.suppliers_heard_on = channel.suppliers_heard_on, today
    since = midnight(heard or today - PAST)
    with administration_scope(channel.administration_id):
        came = Document.objects.filter(source_id=channel.pk, received_at__gte=since).order_by("-received_at")
        known = came.select_related("email").only("kind", "received_at", "email__sender_address", "email__sender_name")
        suppliers.note(channel.administration_id, known[:DOCUMENTS_READ])
        if _all_work():
            suppliers.look(today, SUPPLIERS_READ)


def _all_work() -> bool:
    channels = Channel.objects.filter(deleted_at=None)
    active = Q(state=Channel.State.ACTIVE)
    troubled = active & (Q(failing_since__isnull=False) | ~Q(error_code="")) | Q(inactive_reason="failures")
    return channels.filter(active).exists() and not channels.filter(troubled).exists()
