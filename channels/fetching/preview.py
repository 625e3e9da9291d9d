"""*Wat zou er binnenkomen?*: the newest mails of a mailbox, judged and read as by a fetch, and nothing taken.

Which mail a fetch would ask for says the plan, what becomes of its parts says the extractor: no second opinion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from typing import Any, Final

from django.conf import settings

from channels.errors import TransientProblem
from channels.extract import Part
from channels.fetching import intake
from channels.fetching.budget import Budget
from channels.fetching.drafts import body_name
from channels.fetching.intake import Prepared
from channels.fetching.ledger import Key, key_of, ledger_rows
from channels.fetching.plan import plan_for, sane
from channels.fetching.spool import spool
from channels.mailboxes.base import Fetched, Glimpse, Listing, Mailbox, MessageRef, NotFetched
from channels.models import Channel, ConnectionCheck, PreviewedMail
from channels.rules import NO_RULES, Rule, Rules

State = PreviewedMail.State
MAILS: Final = 20
#: of a rule before it is saved: more, for it is to leave out few of many
TRIED_MAILS: Final = 50
#: of all of them together; somebody is waiting
BYTES: Final = 30_000_000
SECONDS: Final = 40.0
PARTS_SHOWN: Final = 50
#: what names the place of a mail
PLACE: Final = ("protocol", "auth", "host", "username", "folder")

Rows = dict[Key, PreviewedMail]


def channel_of(asked: ConnectionCheck) -> Channel:
    """Whose ledger knows what is in already: one without any for another mailbox than the channel has now."""
    channel, typed = asked.channel, asked.typed
    if channel is not None and all(getattr(channel, name) == typed.get(name, getattr(channel, name)) for name in PLACE):
        return channel
    return Channel(administration=asked.administration, **{name: typed[name] for name in PLACE})


def keep(asked: ConnectionCheck, rows: Rows) -> None:
    for row in rows.values():
        row.administration_id, row.connection_check = asked.administration_id, asked
    PreviewedMail.objects.bulk_create(rows.values())


def look(channel: Channel, mailbox: Mailbox, rows: Rows, rules: Rules = NO_RULES) -> None:
    """Fills `rows`, newest first. `channel`: perhaps not saved yet. Raises ChannelError, with what was seen in `rows`.

    Leave the session without finish(): after a QUIT, Gmail gives what was retrieved to no later session.
    """
    _look(channel, mailbox, rows, rules, MAILS, partial(_judge, channel))


def try_rules(channel: Channel, mailbox: Mailbox, rows: Rows, rules: Rules) -> None:
    """The same for what rules would leave out of the newest mails, whether these are in already or not."""
    _look(channel, mailbox, rows, rules, TRIED_MAILS, _judge_size)


def _look(
    channel: Channel, mailbox: Mailbox, rows: Rows, rules: Rules, most: int,
    judge: Callable[[Listing, Rows], list[MessageRef]],
) -> None:  # fmt: skip
    newest = mailbox.newest(most)
    listing = sane(Listing([glimpse.ref for glimpse in reversed(newest)], validity=_validity(newest), whole=False))
    for place, glimpse in enumerate(newest):
        row = PreviewedMail(place=place, unread=glimpse.unread, size=glimpse.ref.size, state=State.NOT_LOOKED_AT)
        rows[key_of(glimpse.ref)] = row
    wanted = judge(listing, rows)
    budget = Budget(SECONDS, most, BYTES)
    with spool() as folder, closing(mailbox.fetch(budget.within(wanted), folder)) as items:
        try:
            for item in items:
                _tell(rows[key_of(item.ref)], channel, item, rules)
                if isinstance(item, Fetched):
                    budget.came += item.path.stat().st_size
                    item.path.unlink()
                if budget.is_spent():
                    break
        except TransientProblem as problem:
            if problem.code != "server_too_slow":  # it is our time that is over
                raise


def _validity(newest: Sequence[Glimpse]) -> str:
    return newest[0].ref.validity if newest else ""


def _judge(channel: Channel, listing: Listing, rows: Rows) -> list[MessageRef]:
    """What the next fetch would do with each, were it unread. Returns those that it would ask for, newest first."""
    plan = plan_for(channel, listing, by_hand=True)
    wanted = {key_of(ref) for ref in (*plan.new, *plan.doubtful, *(ref for ref, _row in plan.again))}
    too_large = {key_of(ref) for ref in plan.too_large}
    known = {
        key_of(row): row
        for row in ledger_rows(channel)
        .filter(validity=listing.validity)
        .filter(uid__in=[ref.uid for ref in listing.unread])
    }
    for key, row in rows.items():
        if key in too_large:
            _leave_out_too_large(row)
        elif key not in wanted:
            had = known[key]
            row.state = State.LEFT_OUT if had.error_code else State.ALREADY
            row.error_code, row.error_detail = had.error_code, {"size": had.size} | had.error_detail
    return [ref for ref in reversed(listing.unread) if key_of(ref) in wanted]


def _judge_size(listing: Listing, rows: Rows) -> list[MessageRef]:
    """All that are small enough, newest first."""
    wanted = []
    for ref in reversed(listing.unread):
        if (ref.size or 0) <= settings.MAIL_MAX_BYTES:
            wanted.append(ref)
        else:
            _leave_out_too_large(rows[key_of(ref)])
    return wanted


def _leave_out_too_large(row: PreviewedMail) -> None:
    row.state, row.error_code, row.error_detail = State.LEFT_OUT, "mail_too_large", {"size": row.size}


def _tell(row: PreviewedMail, channel: Channel, item: Fetched | NotFetched, rules: Rules) -> None:
    if isinstance(item, NotFetched) and item.error.code == "mail_unreadable":  # a server without TOP refuses them all
        return
    if isinstance(item, NotFetched):
        row.state, row.error_code, row.error_detail = State.LEFT_OUT, item.error.code, dict(item.error.detail)
        return
    prepared = intake.examine(channel, item, rules)
    row.size = prepared.raw_size
    if prepared.problem or prepared.mail is None:
        row.state, row.error_code = State.LEFT_OUT, prepared.problem.code if prepared.problem else "mail_unreadable"
        row.error_detail = dict(prepared.problem.detail) if prepared.problem else {}
        row.subject = row.error_detail.get("subject", "")
        row.sender = row.error_detail.get("sender_name") or row.error_detail.get("sender", "")
        return
    mail, parts = prepared.mail, _parts(prepared)
    row.state, row.subject, row.sent_at = State.WOULD_COME, mail.subject, mail.sent_at
    row.sender = (mail.sender_name or mail.sender_address)[:998]
    row.parts, row.parts_in_all = parts[:PARTS_SHOWN], len(parts)
    row.documents = max(1, len(prepared.documents))


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
