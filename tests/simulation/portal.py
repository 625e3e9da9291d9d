"""One portal in the simulated world: two schedulers, workers, a broker that loses and doubles, people who mend."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from unittest import mock
from uuid import UUID
from zlib import crc32

from django.db.models import Q

from administrations.models import Administration, AdministrationAccess, Environment, EnvironmentAdmin, Role
from channels import connect, lease, services, tasks
from channels.extract import Mail
from channels.fetching import bundle, ending, intake, quiet
from channels.models import Channel, FetchRun, ReceivedMail
from tests.cast import person
from tests.simulation.disk import Disk
from tests.simulation.hub import Hub, Process
from tests.simulation.promises import Met, Promises, failures_of, is_in
from tests.simulation.session import Session
from tests.simulation.world import HOUR, KILLER, Box, disturb
from zenvoices.lib import failpoints
from zenvoices.lib import tasks as lib_tasks
from zenvoices.lib.bulkheads import Steps
from zenvoices.lib.scoping import administration_scope, every_administration

OFFICES = 3
#: of one office, on hosts that they share with others
CHANNELS_EACH = 3
HOSTS = ("mail.een.test", "mail.twee.test")
WORKERS = 4
SCHEDULERS = ("beat-a", "beat-b")
#: of each scheduler, on average, seconds: every half minute would find no more, and cost most of the time
TICK = 900
#: of all mails: those that end who reads them, and those that are not had the first times
KILLING = 0.01
FAULTS = {"cut": (0.02, 0.1), "refused": (0.1, 0.15), "breaks": (0.15, 0.18)}
#: seconds that a mail stays in a mailbox
KEPT_IN_BOX = 5 * 24 * HOUR


class _OwnThread:
    """Of who carries a bundle out: all of a simulated process is one greenlet."""

    def take(self, wanted: int) -> int:
        return wanted

    def submit(self, work: Callable[[], None]) -> None:
        work()


@dataclass
class Portal:
    hub: Hub
    promises: Promises
    disk: Disk
    waiting: deque[Callable[[], None]] = field(default_factory=deque)
    boxes: dict[UUID, Box] = field(default_factory=dict)
    #: what the run that is under way met, by the name of its process
    met: dict[str, Met] = field(default_factory=dict)
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
        box = Box(self.hub, protocol, host, user)
        start = "now" if number == 0 else "unread"
        if start == "now":
            box.put_old_mail(3)
        channel = services.create_channel(
            administration, password="geheim", activate=True, by=None, name=user, protocol=protocol, auth="password",
            host=host, port=993, security="tls", username=user, folder="INBOX", start=start,
            listings={"INBOX": Session(box, 0).listed_at_once()},
        )  # fmt: skip
        is_pop3 = protocol == "pop3"
        box.gone_after_quit, box.named_by_place = is_pop3 and office == 2, is_pop3 and office == 1
        box.about_to_flag = lambda letters: self.promises.taken_in_before_flagged(channel.pk, letters)
        self.boxes[channel.pk] = box

    # --- processes -----------------------------------------------------------------------------------------

    def open(self) -> None:
        for name in SCHEDULERS:
            self._start_beat(name)
        self.hub.on_kill = self._start_again
        self.hub.on_power_cut = self.disk.lose_power
        self.hub.after(24 * HOUR, self._owner_tidies)
        for box in self.boxes.values():
            self.hub.after(self.hub.random.uniform(0, HOUR), lambda box=box: self._mail_comes(box))
            self.hub.after(self.hub.random.uniform(1, 8) * HOUR, lambda box=box: self._something_happens(box))
        self.hub.after(2 * HOUR, self._person_looks)

    def _start_beat(self, name: str) -> None:
        self.hub.start(self._beat, name)

    def _beat(self) -> None:
        while True:
            self.hub.sleep(self.hub.random.uniform(0.5, 1.5) * TICK)
            tasks.tick()

    def _start_again(self, process: Process) -> None:
        """A worker comes with the next message."""
        if process.role in SCHEDULERS:
            self.hub.after(60, lambda: self._start_beat(process.role))

    def send(self, ids: tuple[str, str], priority: int) -> None:
        self._send(lambda: tasks.fetch(*ids))

    def send_bundle(self, args: tuple[list[tuple[str, str]]], priority: int) -> None:
        """Side by side they are here in bundles of one, each carried out by whoever takes it on."""
        for ids in args[0]:
            self._send(lambda ids=ids: tasks.fetch_bundle([ids]))

    def _send(self, fetch: Callable[[], None]) -> None:
        """A message to the broker: a hint, of which some are lost and some come twice."""
        chance = self.hub.random.random()
        for _copy in range(0 if chance < 0.02 else 2 if chance < 0.04 else 1):
            self.waiting.append(fetch)
            self.hub.after(self.hub.random.random(), self._take_on)

    def _take_on(self) -> None:
        """A worker for what waits, if there is one; a killed one is replaced at once."""
        free = {f"worker-{number}" for number in range(WORKERS)} - {one.role for one in self.hub.processes.values()}
        if self.waiting and free:
            self.hub.start(self._work, self.hub.random.choice(sorted(free)))

    def _work(self) -> None:
        while self.waiting:
            self.waiting.popleft()()

    # --- what happens to mailboxes -------------------------------------------------------------------------

    def _mail_comes(self, box: Box) -> None:
        if self.is_calm:
            return
        random = self.hub.random
        for _mail in range(random.choice((1, 1, 1, 1, 2, 3, 5))):
            chance = random.random()
            faults = {name: random.randint(1, 4) for name, (least, most) in FAULTS.items() if least <= chance < most}
            name = f"{box.user} {len(box.all_letters)}"
            box.deliver(name, plain=random.random() < 0.3, kills=chance < KILLING, **faults)
        self.hub.after(random.expovariate(1 / (5 * HOUR)), lambda: self._mail_comes(box))

    def _something_happens(self, box: Box) -> None:
        if self.is_calm:
            return
        if self.hub.random.random() < 0.2 and box.unread():
            letter = self.hub.random.choice(box.unread())
            letter.waiting_since = None  # what we did not see by then we never had to
            if box.protocol == "pop3" or self.hub.random.random() < 0.5:
                letter.gone = True
            else:
                letter.seen = True
        else:
            disturb(box, self.hub.random)
        self.hub.after(self.hub.random.expovariate(1 / (2.5 * HOUR)), lambda: self._something_happens(box))

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

    def _owner_tidies(self) -> None:
        """What is old is thrown away, so that mailboxes stay small; what we failed to take in stays for the end."""
        old = self.hub.now - KEPT_IN_BOX
        with every_administration():
            for channel_id, box in self.boxes.items():
                for letter in box.there():
                    if letter.arrived < old and is_in(channel_id, letter):
                        letter.gone = True
        self.hub.after(24 * HOUR, self._owner_tidies)

    # --- where the portal meets the world ------------------------------------------------------------------

    def session(self, channel: Channel, watch: object) -> Session:
        session, who = Session(self.boxes[channel.pk], 50_000_000), _name(self.hub.current())
        if who not in self.met:
            tried = ReceivedMail.objects.filter(channel=channel, attempts__gt=0)
            self.met[who] = Met(dict(tried.values_list("pk", "attempts")))
        self.met[who].sessions.append(session)
        return session

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Inside, the portal's own code meets our mailboxes, disk, broker and killed processes."""
        hub = self.hub
        with ExitStack() as stack:
            stack.enter_context(self.disk.mounted())
            for target, name, instead in (
                (connect, "mailbox_of", self.session),
                (tasks.fetch, "apply_async", self.send),
                (tasks.fetch_bundle, "apply_async", self.send_bundle),
                (tasks, "_threads", _OwnThread()),
                (tasks, "queue_preparation", lambda *_: None),
                # Everybody has the one connection, on which nobody may leave what they put there for their own scope.
                (lib_tasks, "administration_scope_at_need", administration_scope),
                (bundle, "administration_scope_at_need", administration_scope),
                (failpoints, "reach", hub.step),
                (Steps, "run", self._stepping(Steps.run)),
                (ending, "finish", self._judged(ending.finish)),
                (quiet, "end_all", self._judged_in_bundle(quiet.end_all)),
                (intake, "extract", self._deadly(intake.extract)),
                (lease, "_this_process", lambda: _name(hub.current())),
                (lease, "_is_dead", lambda owner: hub.is_dead(owner) and self._same_machine(owner)),
            ):
                stack.enter_context(mock.patch.object(target, name, instead))
            yield

    def _judged(self, finish: Callable[..., FetchRun | None]) -> Callable[..., FetchRun | None]:
        def judged(run: FetchRun, *rest: object) -> FetchRun | None:
            before, met = failures_of(run.channel_id), self.met.pop(_name(self.hub.current()), Met({}))
            done = finish(run, *rest)
            if done is not None:
                self.promises.after_run(done, met, (before, failures_of(run.channel_id)))
            return done

        return judged

    def _judged_in_bundle(
        self, end_all: Callable[[Sequence[quiet.Through]], list[FetchRun]]
    ) -> Callable[[Sequence[quiet.Through]], list[FetchRun]]:
        """Of one: what is not simple ends alone, and is judged there."""

        def judged(some: Sequence[quiet.Through]) -> list[FetchRun]:
            before = failures_of(some[0].run.channel_id)
            ended = end_all(some)
            for run in ended:
                met = self.met.pop(_name(self.hub.current()), Met({}))
                self.promises.after_run(run, met, (before, failures_of(run.channel_id)))
            return ended

        return judged

    def _stepping(self, run: Callable[..., None]) -> Callable[..., None]:
        """Schedulers take turns and are killed between two steps."""

        def stepping(steps: Steps, name: str, step: Callable[[], int | None]) -> None:
            self.hub.step(name)
            run(steps, name, step)

        return stepping

    def _deadly(self, extract: Callable[..., Mail]) -> Callable[..., Mail]:
        """Some mails kill who reads them."""

        def deadly(raw: bytes, *rest: object, **more: object) -> Mail:
            process = self.hub.current()
            if process and KILLER in raw:
                self.hub.kill(process)
            return extract(raw, *rest, **more)

        return deadly

    def _same_machine(self, owner: str) -> bool:
        """Only there a process is known to be dead at once; elsewhere its lease must run out."""
        return crc32(owner.encode()) % 2 == 0


def _name(process: Process | None) -> str:
    return process.name if process else "a person"
