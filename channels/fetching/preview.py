"""*Wat zou er binnenkomen?*: the newest mails of a mailbox, judged and read as by a fetch, and nothing taken.

Which mail a fetch would ask for says the plan, what becomes of its parts says the extractor: no second opinion. Of a
channel with several folders it is the newest of all of them together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from channels.errors import TransientProblem
from channels.extract import Part
from channels.fetching import intake
from channels.fetching.budget import Budget
from channels.fetching.drafts import body_name
from channels.fetching.folders import as_chosen, places_of
from channels.fetching.intake import Prepared
from channels.fetching.ledger import Key, key_of, ledger_rows
from channels.fetching.plan import NOT_ASKED_FOR, plan_for, sane
from channels.fetching.spool import spool
from channels.mailboxes.base import Fetched, Glimpse, Listing, Mailbox, MessageRef, NotFetched
from channels.models import Channel, ConnectionCheck, PreviewedMail, ReceivedMail
from channels.rules import NO_RULES, Rule, Rules

State = PreviewedMail.State
MAILS: Final = 20
#: of a rule before it is saved: more, for it is to leave out few of many
TRIED_MAILS: Final = 50
#: of all of them together; somebody is waiting
BYTES: Final = 30_000_000
SECONDS: Final = 40.0
PARTS_SHOWN: Final = 50
#: what names a mailbox
PLACE: Final = ("protocol", "auth", "host", "username")

#: by the folder they lie in
Rows = dict[tuple[str, Key], PreviewedMail]
#: fields of the ledger and what they hold
Same = tuple[tuple[str, str], ...]
Judge = Callable[[Channel, Listing, dict[Key, PreviewedMail]], list[MessageRef]]


def channel_of(asked: ConnectionCheck) -> Channel:
    """Whose ledger knows what is in already: one without any for another mailbox than the channel has now."""
    channel, typed = asked.channel, asked.typed
    if channel is not None and all(getattr(channel, name) == typed.get(name, getattr(channel, name)) for name in PLACE):
        more_folders = typed.get("more_folders", channel.more_folders)
        return as_chosen(channel, typed.get("folder", channel.folder), more_folders)
    more = {"folder": typed["folder"], "more_folders": typed.get("more_folders", [])}
    return Channel(administration=asked.administration, **{name: typed[name] for name in PLACE}, **more)


def keep(asked: ConnectionCheck, rows: Rows) -> None:
    for row in rows.values():
        row.administration_id, row.connection_check = asked.administration_id, asked
    PreviewedMail.objects.bulk_create(rows.values())


def look(channel: Channel, mailbox: Mailbox, rows: Rows, rules: Rules = NO_RULES) -> None:
    """Fills `rows`, newest first. `channel`: perhaps not saved yet. Raises ChannelError, with what was seen in `rows`.

    Leave the session without finish(): after a QUIT, Gmail gives what was retrieved to no later session.
    """
    _look(_Looking(channel, mailbox, rows, rules), MAILS, _judge)


def try_rules(channel: Channel, mailbox: Mailbox, rows: Rows, rules: Rules) -> None:
    """The same for what rules would leave out of the newest mails, whether these are in already or not."""
    _look(_Looking(channel, mailbox, rows, rules, known_or_not=True), TRIED_MAILS, _judge_size)


@dataclass(slots=True)
class _Looking:
    channel: Channel
    mailbox: Mailbox
    rows: Rows
    rules: Rules
    known_or_not: bool = False
    #: by what makes two mails one: a copy in another folder gets no line of its own
    read: dict[Same, PreviewedMail] = field(default_factory=dict)
    places: list[Channel] = field(init=False)

    def __post_init__(self) -> None:
        self.places = places_of(self.channel)

    def turn_to(self, place: Channel) -> None:
        if place.other_folders:
            self.mailbox.turn_to(place.folder)

    def newest(self, most: int) -> list[tuple[Channel, Glimpse]]:
        """Of all folders together; in turn from each of them where a mail does not say when it arrived."""
        ranked: list[tuple[int, Channel, Glimpse]] = []
        for place in self.places:
            self.turn_to(place)
            ranked += [(rank, place, glimpse) for rank, glimpse in enumerate(self.mailbox.newest(most))]
        arrived = [glimpse.ref.arrived for _rank, _place, glimpse in ranked]
        if len(self.places) > 1:
            order = [rank for rank, *_ in ranked] if None in arrived else [-(moment or 0) for moment in arrived]
            ranked = [one for _key, _at, one in sorted(zip(order, range(len(ranked)), ranked, strict=True))]
        return [(place, glimpse) for _rank, place, glimpse in ranked[:most]]

    def tell(self, place: Channel, item: Fetched | NotFetched) -> None:
        key = place.folder, key_of(item.ref)
        row = self.rows[key]
        same = _tell(row, place, item, self.rules)
        other = next((self.read[one] for one in same if one in self.read), row)
        self.read |= dict.fromkeys(same, other)
        if other is not row:
            other.unread = other.unread or row.unread
            if row.folder and row.folder not in other.folder.split(", "):
                other.folder = f"{other.folder}, {row.folder}"
            del self.rows[key]
        elif not self.known_or_not and _was_taken_in(place, same):
            _say_already(row)


def _look(looking: _Looking, most: int, judge: Judge) -> None:
    newest = looking.newest(most)
    for number, (place, glimpse) in enumerate(newest):
        row = PreviewedMail(place=number, unread=glimpse.unread, size=glimpse.ref.size, state=State.NOT_LOOKED_AT)
        row.folder = place.folder if place.other_folders else ""
        looking.rows[place.folder, key_of(glimpse.ref)] = row
    wanted = _wanted(looking, newest, judge)
    budget = Budget(SECONDS, most, BYTES)
    asked = wanted[: len(budget.within([ref for _place, ref in wanted]))]
    with spool() as folder:
        try:
            for place in looking.places:
                refs = [ref for at, ref in asked if at is place]
                if refs and not budget.is_spent():
                    looking.turn_to(place)
                    _read(looking, place, refs, budget, folder)
        except TransientProblem as problem:
            if problem.code != "server_too_slow":  # it is our time that is over
                raise


def _wanted(
    looking: _Looking, newest: Sequence[tuple[Channel, Glimpse]], judge: Judge
) -> list[tuple[Channel, MessageRef]]:
    """Those whose bytes are asked for, newest first."""
    wanted: dict[tuple[str, Key], MessageRef] = {}
    for place in looking.places:
        refs = [glimpse.ref for at, glimpse in newest if at is place]
        listing = sane(Listing(refs[::-1], validity=refs[0].validity if refs else "", whole=False))
        here = {key: row for (name, key), row in looking.rows.items() if name == place.folder}
        wanted |= {(place.folder, key_of(ref)): ref for ref in judge(place, listing, here)}
    keys = [(place, (place.folder, key_of(glimpse.ref))) for place, glimpse in newest]
    return [(place, wanted[key]) for place, key in keys if key in wanted]


def _read(looking: _Looking, place: Channel, refs: Sequence[MessageRef], budget: Budget, folder: Path) -> None:
    with closing(looking.mailbox.fetch(refs, folder)) as items:
        for item in items:
            looking.tell(place, item)
            if isinstance(item, Fetched):
                budget.came += item.path.stat().st_size
                item.path.unlink()
            if budget.is_spent():
                break


def _judge(channel: Channel, listing: Listing, rows: dict[Key, PreviewedMail]) -> list[MessageRef]:
    """What the next fetch would do with each, were it unread. Returns those that it would ask for."""
    plan = plan_for(channel, listing, by_hand=True)
    wanted = {key_of(ref) for ref in (*plan.new, *plan.doubtful, *(ref for ref, _row in plan.again))}
    too_large, not_asked_for = ({key_of(ref) for ref in refs} for refs in (plan.too_large, plan.not_asked_for))
    known = {
        key_of(row): row
        for row in ledger_rows(channel)
        .filter(validity=listing.validity)
        .filter(uid__in=[ref.uid for ref in listing.unread])
    }
    for key, row in rows.items():
        if key in too_large:
            _leave_out_too_large(row)
        elif key in not_asked_for:
            row.state, row.error_code, row.error_detail = State.LEFT_OUT, NOT_ASKED_FOR, {"size": row.size}
        elif key not in wanted:
            had = known[key]
            row.state = State.LEFT_OUT if had.error_code else State.ALREADY
            row.error_code, row.error_detail = had.error_code, {"size": had.size} | had.error_detail
    return [ref for ref in listing.unread if key_of(ref) in wanted]


def _judge_size(_channel: Channel, listing: Listing, rows: dict[Key, PreviewedMail]) -> list[MessageRef]:
    """All that are small enough."""
    wanted = []
    for ref in listing.unread:
        if (ref.size or 0) <= settings.MAIL_MAX_BYTES:
            wanted.append(ref)
        else:
            _leave_out_too_large(rows[key_of(ref)])
    return wanted


def _leave_out_too_large(row: PreviewedMail) -> None:
    row.state, row.error_code, row.error_detail = State.LEFT_OUT, "mail_too_large", {"size": row.size}


def _was_taken_in(channel: Channel, same: Sequence[Same]) -> bool:
    """From another folder, or under another number."""
    taken = ReceivedMail.objects.filter(channel=channel, state=ReceivedMail.State.DELIVERED)
    return any(taken.filter(**dict(one)).exists() for one in same)


def _say_already(row: PreviewedMail) -> None:
    row.state, row.error_code, row.error_detail = State.ALREADY, "", {}
    row.parts, row.parts_in_all, row.documents = [], 0, 0


def _tell(row: PreviewedMail, channel: Channel, item: Fetched | NotFetched, rules: Rules) -> list[Same]:
    """Returns what makes another mail the same."""
    if isinstance(item, NotFetched) and item.error.code == "mail_unreadable":  # a server without TOP refuses them all
        return []
    if isinstance(item, NotFetched):
        row.state, row.error_code, row.error_detail = State.LEFT_OUT, item.error.code, dict(item.error.detail)
        return []
    prepared = intake.examine(channel, item, rules)
    row.size = prepared.raw_size
    if prepared.problem or prepared.mail is None:
        row.state, row.error_code = State.LEFT_OUT, prepared.problem.code if prepared.problem else "mail_unreadable"
        row.error_detail = dict(prepared.problem.detail) if prepared.problem else {}
        row.subject = row.error_detail.get("subject", "")
        row.sender = row.error_detail.get("sender_name") or row.error_detail.get("sender", "")
        return _same(prepared)
    mail, parts = prepared.mail, _parts(prepared)
    row.state, row.subject, row.sent_at = State.WOULD_COME, mail.subject, mail.sent_at
    row.sender = (mail.sender_name or mail.sender_address)[:998]
    row.parts, row.parts_in_all = parts[:PARTS_SHOWN], len(parts)
    row.documents = max(1, len(prepared.documents))
    return _same(prepared)


def _same(prepared: Prepared) -> list[Same]:
    """The second and the third key of the ledger (channels.fetching.recorder)."""
    hashes = {prepared.content_sha256, prepared.raw_sha256} - {""}
    keys: list[Same] = [(("content_sha256", one),) for one in hashes]
    if prepared.mail and prepared.mail.message_id and prepared.parts_sha256:
        third = ("message_id", prepared.mail.message_id[:998]), ("parts_sha256", prepared.parts_sha256)
        keys.append(third)
    return keys


def _parts(prepared: Prepared) -> list[dict[str, Any]]:
    """Documents first; of a mail without any its text is one."""
    if prepared.mail is None:
        return []
    told = [
        _part(part, prepared.left_out.get(part.path))
        for part in sorted(prepared.mail.parts, key=lambda part: part.outcome != "document")
    ]
    if prepared.documents:
        return told
    name = body_name(prepared.mail)
    text = {"filename": name, "content_type": "text/plain", "size": prepared.body_size, "outcome": "document"}
    return [text | {"reason": "", "left_out_by": {}}, *told]


def _part(part: Part, left_out_by: Rule | None) -> dict[str, Any]:
    told = {name: getattr(part, name) for name in ("filename", "content_type", "size", "outcome", "reason")}
    return told | {"left_out_by": left_out_by.told() if left_out_by else {}}
