"""One history: a portal and its mailboxes for some days, then a calm while, then what must hold."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.management import call_command
from django.test import override_settings

from channels.models import Channel, FetchRun
from documents.models import Document
from tests import trail
from tests.channels.linked import fetch_now
from tests.simulation.disk import Disk
from tests.simulation.hub import Hub
from tests.simulation.portal import Portal
from tests.simulation.promises import Promises
from tests.simulation.world import HOUR
from zenvoices.lib.scoping import administration_scope, every_administration

DAY = 24 * HOUR
#: longer than what a server says is not believed for (channels/fetching/ledger.py)
CALM = 1.2 * DAY
#: how likely one process is killed, and all of them with the power, at each step
DEADLY = 0.01
POWERLESS = 0.0005


@dataclass
class History:
    days: float
    letters: int
    documents: int
    runs: Counter[str]
    kills: int
    power_cuts: int
    checked: Counter[str]
    broken: list[str]

    def told(self) -> str:
        checks = f"{sum(self.checked.values())} checks, {len(self.broken)} broken"
        runs = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.runs.items()))
        return (
            f"{self.days:g} days, {self.letters} mails, {self.documents} documents, {self.kills} kills, "
            f"{self.power_cuts} power cuts; runs: {runs}; {checks}"
        )


def run(seed: int, days: float, calm: float = CALM) -> History:
    """`calm`: so many seconds in which nothing is wrong any more follow the days.

    Empties the database first and afterwards. Call it outside a transaction.
    """
    _emptied()
    hub = Hub(random.Random(seed), deadly=DEADLY, powerless=POWERLESS)
    portal = Portal(hub, Promises(hub), Disk(hub))
    with TemporaryDirectory() as folder, override_settings(DATA_DIR=Path(folder), FETCH_RETRY_SECONDS=[2]):
        history = _lived(hub, portal, days, calm)
    _emptied()
    return history


def _emptied() -> None:
    with trail.may_be_emptied():
        call_command("flush", interactive=False, verbosity=0)


def _lived(hub: Hub, portal: Portal, days: float, calm: float) -> History:
    with hub.clock(), portal.connected():
        portal.settle()
        with every_administration():
            portal.open()
            hub.run(days * DAY)
            _calm_down(hub, portal, calm)
            portal.promises.at_the_end(portal)
            return _summed_up(days, hub, portal)


def _calm_down(hub: Hub, portal: Portal, calm: float) -> None:
    """Nothing is wrong any more, people have mended what was theirs, and all of it was fetched once by hand."""
    hub.deadly = hub.powerless = 0.0
    portal.is_calm = True
    hub.after(HOUR, lambda: setattr(portal.promises, "is_calm", True))  # what is under way comes to its end first
    for box in portal.boxes.values():
        box.calm_down()
    hub.run(calm)
    for _time in range(2):  # one that meets a fetch under way takes nothing
        for channel in Channel.objects.select_related("administration").order_by("name"):
            hub.start(lambda channel=channel: _by_hand(channel), "by hand")
        hub.run(HOUR)


def _by_hand(channel: Channel) -> None:
    with administration_scope(channel.administration_id):
        fetch_now(channel)


def _summed_up(days: float, hub: Hub, portal: Portal) -> History:
    letters = sum(len(box.all_letters) for box in portal.boxes.values())
    outcomes = Counter(FetchRun.objects.values_list("outcome", flat=True))
    return History(
        days, letters, Document.objects.count(), outcomes, hub.kills, hub.power_cuts,
        portal.promises.checked, portal.promises.broken,
    )  # fmt: skip
