"""One history: a portal and its mailboxes for some days, then a calm while, then what must hold."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from unittest import mock

from django.conf import settings
from django.core.management import call_command

from channels.models import Channel, FetchRun
from documents.models import Document
from tests.channels.linked import fetch_now
from tests.simulation.hub import Hub
from tests.simulation.portal import Portal
from tests.simulation.promises import Promises
from tests.simulation.world import HOUR
from zenvoices.lib.scoping import administration_scope, every_administration

DAY = 24 * HOUR
CALM = 1.2 * DAY


@dataclass
class History:
    days: float
    letters: int
    documents: int
    runs: Counter[str]
    kills: int
    checked: Counter[str]
    broken: list[str]

    def told(self) -> str:
        runs = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.runs.items()))
        return (
            f"{self.days:g} days, {self.letters} mails, {self.documents} documents, {self.kills} kills; "
            f"runs: {runs}; {sum(self.checked.values())} checks, {len(self.broken)} broken"
        )


def run(seed: int, days: float, *, deadly: float = 0.002) -> History:
    """Empties the database first and afterwards. Call it outside a transaction."""
    call_command("flush", interactive=False, verbosity=0)
    numbers = random.Random(seed)
    hub = Hub(numbers, deadly=deadly)
    promises = Promises(hub)
    portal = Portal(hub, promises)
    with hub.clock(), portal.connected(), mock.patch.object(settings, "FETCH_RETRY_SECONDS", [2]):
        portal.settle()
        with every_administration():
            portal.open()
            hub.run(days * DAY)
            _calm_down(hub, portal)
            promises.at_the_end(portal)
            history = _summed_up(days, hub, portal)
    call_command("flush", interactive=False, verbosity=0)
    return history


def _calm_down(hub: Hub, portal: Portal) -> None:
    """Nothing is wrong any more, people have mended what was theirs, and all of it was fetched once by hand."""
    hub.deadly = 0.0
    portal.is_calm = True
    hub.after(HOUR, lambda: setattr(portal.promises, "is_calm", True))  # what is under way comes to its end first
    for box in portal.boxes.values():
        box.trouble, box.partial, box.read_only = None, False, False
        for letter in box.all_letters:
            letter.cut = letter.refused = 0
    hub.run(CALM)
    for channel in Channel.objects.select_related("administration"):
        hub.start(lambda channel=channel: _by_hand(channel), "by hand")
    hub.run(HOUR)


def _by_hand(channel: Channel) -> None:
    with administration_scope(channel.administration_id):
        fetch_now(channel)


def _summed_up(days: float, hub: Hub, portal: Portal) -> History:
    letters = sum(len(box.all_letters) for box in portal.boxes.values())
    outcomes = Counter(FetchRun.objects.values_list("outcome", flat=True))
    return History(
        days, letters, Document.objects.count(), outcomes, hub.kills, portal.promises.checked, portal.promises.broken
    )
