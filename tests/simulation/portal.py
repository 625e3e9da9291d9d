"""One portal in the simulated world: two schedulers, workers, a broker that loses and doubles, people who mend."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from unittest import mock
from uuid import UUID
from zlib import crc32

from django.db.models import Q

from administrations.models import Administration, AdministrationAccess, Environment, EnvironmentAdmin, Role
from channels import connect, lease, services, tasks
from channels.fetching import ending
from channels.models import Channel, FetchRun
from tests.cast import person
from tests.simulation.hub import Hub, Process
from tests.simulation.promises import Promises
from tests.simulation.world import HOUR, Box, Session, disturb
from zenvoices.lib import failpoints
from zenvoices.lib.scoping import administration_scope, every_administration

OFFICES = 3
#: of one office, on hosts that they share with others
CHANNELS_EACH = 2
HOSTS = ("mail.een.test", "mail.twee.test")
WORKERS = 4
#: of two schedulers, seconds: one minute would find no more, and costs most of the time
TICK = 240


@dataclass
class Portal:
    hub: Hub
    promises: Promises
    waiting: deque[tuple[str, str]] = field(default_factory=deque)
    boxes: dict[UUID, Box] = field(default_factory=dict)
    #: what each run that is under way met, so that its strike can be judged
    met: dict[UUID, bool] = field(default_factory=dict)
    #: nothing more happens to the mailboxes
    is_calm: bool = False

    # --- the beginning -------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Offices, their people, and a channel on each mailbox."""
        for number in range(OFFICES):
            office = Environment.objects.create(name=f"Kantoor {number}")
            EnvironmentAdmin.objects.create(environment=office, user=person(f"anna@{number}.test", "Anna"))
            administration = Administration.objects.create(environment=office, name=f"Klant {number}", plan="premium")
            AdministrationAccess.objects.create(
                administration=administration, user=person(f"bert@{number}.test", "Bert"), role=Role.ADMIN
            )
            with administration_scope(administration.pk):
                for one in range(CHANNELS_EACH):
                    self._link(administration, number, one)

    def _link(self, administration: Administration, office: int, number: int) -> None:
        protocol = "pop3" if (office + number) % 3 == 2 else "imap"
        host, user = HOSTS[number % len(HOSTS)], f"facturen{number}@klant{office}.test"
        channel = services.create_channel(
            administration, password="geheim", activate=True, by=None, name=user, protocol=protocol, auth="password",
            host=host, port=993, security="tls", username=user, folder="INBOX",
        )  # fmt: skip
        box = Box(self.hub, protocol, host, user, gone_after_quit=protocol == "pop3" and office % 2 == 0)
        box.about_to_flag = lambda letters: self.promises.taken_in_before_flagged(channel.pk, letters)
        self.boxes[channel.pk] = box

    # --- processes -----------------------------------------------------------------------------------------

    def open(self) -> None:
        for name in ("beat-a", "beat-b"):
            self.hub.start(self._beat, name)
        for box in self.boxes.values():
            self.hub.after(self.hub.random.uniform(0, HOUR), lambda box=box: self._mail_comes(box))
            self.hub.after(self.hub.random.uniform(1, 8) * HOUR, lambda box=box: self._something_happens(box))
        self.hub.after(2 * HOUR, self._person_looks)

    def _beat(self) -> None:
        while True:
            tasks.tick()
            self.hub.sleep(TICK)

    def send(self, ids: tuple[str, str], priority: int) -> None:
        """A message to the broker: a hint, of which some are lost and some come twice."""
        chance = self.hub.random.random()
        for _copy in range(0 if chance < 0.02 else 2 if chance < 0.04 else 1):
            self.waiting.append(ids)
            self.hub.after(self.hub.random.random(), self._take_on)

    def _take_on(self) -> None:
        """A worker for what waits, if there is one; a killed one is replaced at once."""
        free = {f"worker-{number}" for number in range(WORKERS)} - {one.role for one in self.hub.processes.values()}
        if self.waiting and free:
            self.hub.start(self._work, self.hub.random.choice(sorted(free)))

    def _work(self) -> None:
        while self.waiting:
            tasks.fetch(*self.waiting.popleft())

    # --- what happens to mailboxes -------------------------------------------------------------------------

    def _mail_comes(self, box: Box) -> None:
        if self.is_calm:
            return
        chance, number = self.hub.random.random(), len(box.all_letters)
        faults = {"cut": self.hub.random.randint(1, 3)} if chance < 0.1 else {}
        faults = {"refused": self.hub.random.randint(1, 4)} if chance > 0.95 else faults
        box.deliver(f"{box.user} {number}", plain=chance > 0.7, **faults)
        self.hub.after(self.hub.random.expovariate(1 / (3 * HOUR)), lambda: self._mail_comes(box))

    def _something_happens(self, box: Box) -> None:
        if self.is_calm:
            return
        if self.hub.random.random() < 0.2 and box.unread():
            letter = self.hub.random.choice(box.unread())
            self.promises.owner_takes_away(box, letter)
            if box.protocol == "pop3" or self.hub.random.random() < 0.5:
                letter.gone = True
            else:
                letter.seen = True
        else:
            disturb(box, self.hub.random)
        self.hub.after(self.hub.random.expovariate(1 / (4 * HOUR)), lambda: self._something_happens(box))

    def _person_looks(self) -> None:
        """Some hours later somebody reads the notice: the password is put right, the channel activated again."""
        with every_administration():
            stopped = Q(state=Channel.State.INACTIVE) | ~Q(error_code="")
            for channel in Channel.objects.filter(stopped).select_related("administration"):
                box = self.boxes[channel.pk]
                if box.trouble and box.trouble.needs_person:
                    box.trouble = None
                if channel.state == Channel.State.INACTIVE and box.trouble is None:
                    with administration_scope(channel.administration_id):
                        services.activate(channel, None)
        self.hub.after(self.hub.random.uniform(1, 6) * HOUR, self._person_looks)

    # --- where the portal meets the world ------------------------------------------------------------------

    def session(self, channel: Channel, watch: object) -> Session:
        box = self.boxes[channel.pk]
        # A server that gives none of several new mails is to blame itself.
        spoilt = sum(1 for letter in box.there() if letter.cut or letter.refused) > 1
        self.met[channel.pk] = spoilt or (box.trouble is not None and box.trouble.strikes)
        return Session(box, 50_000_000)

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Inside, the portal's own code meets our mailboxes, broker and killed processes."""
        hub, finish = self.hub, ending.finish

        def watched_finish(run: FetchRun, *rest: object) -> FetchRun | None:
            before = Channel.objects.values_list("failures", flat=True).get(pk=run.channel_id)
            done = finish(run, *rest)
            if done is None:
                return None
            self.promises.books_balance(done)
            self.promises.part_is_no_whole(done, self.boxes[run.channel_id])
            self.promises.strike_is_deserved(run, before, met=self.met.get(run.channel_id, False))
            return done

        with ExitStack() as stack:
            for target, name, instead in (
                (connect, "mailbox_of", self.session),
                (tasks.fetch, "apply_async", self.send),
                (tasks, "queue_preparation", lambda *_: None),
                (failpoints, "reach", hub.step),
                (ending, "finish", watched_finish),
                (lease, "_this_process", lambda: _name(hub.current())),
                (lease, "_is_dead", lambda owner: hub.is_dead(owner) and self._same_machine(owner)),
            ):
                stack.enter_context(mock.patch.object(target, name, instead))
            yield

    def _same_machine(self, owner: str) -> bool:
        """Only there a process is known to be dead at once; elsewhere its lease must run out."""
        return crc32(owner.encode()) % 2 == 0


def _name(process: Process | None) -> str:
    return process.name if process else "a person"
