"""What happens to the mailbox between and during fetches: others read and delete, numbers change, the server dies."""

from __future__ import annotations

import threading

from tests.otherservers.base import said
from tests.otherservers.mails import Sent, invoice
from tests.otherservers.registry import trial
from tests.otherservers.stage import Differs, Stage
from tests.otherservers.trials import kinds, mark
from tests.servers.gate import Gate

#: GNU imap4d does so whenever mail has come
ANEW = "the server gave another UIDVALIDITY, so counting began anew"


@trial("a mail that another client reads before us: IMAP leaves and counts it, POP3 takes it once")
def read_before(stage: Stage) -> str:
    return _read_before_imap(stage) if stage.protocol == "imap" else _read_before_pop3(stage)


def _read_before_pop3(stage: Stage) -> str:
    channel, sent = _linked_and_fetched(stage, 3)
    read = stage.deliver([invoice(10)])
    client = stage.server.pop3()
    client.retr(4)
    client.quit()
    unread = stage.deliver([invoice(11)])
    stage.fetch(channel, outcome="succeeded", delivered=2, failed=0)
    stage.holds([*sent, *read, *unread])
    return ""


def _read_before_imap(stage: Stage) -> str:
    """What was read before the channel was linked is not counted."""
    stage.deliver([invoice(9)])
    mark(stage, "+FLAGS", r"(\Seen)", "1")
    channel, sent = _linked_and_fetched(stage, 3)
    stage.deliver([invoice(10)])
    mark(stage, "+FLAGS", r"(\Seen)", "5")
    unread = stage.deliver([invoice(11)])
    stage.fetch(channel, outcome="succeeded", delivered=1, failed=0)
    stage.holds([*sent, *unread])
    found = stage.reconcile(channel)
    if not found["renumbered"] and found["missing"] != 1:
        raise Differs(f"the nightly check counts {found['missing']} read elsewhere, not 1")
    return ANEW if found["renumbered"] else ""


@trial("a mail that another client deletes: the others are not doubled, a new one comes, the check calls it gone")
def deleted(stage: Stage) -> str:
    channel, sent = _linked_and_fetched(stage, 4)
    _delete_first(stage)
    new = stage.deliver([invoice(10)])
    stage.fetch(channel, outcome="succeeded", delivered=1, failed=0)
    stage.holds([*sent, *new])
    found = stage.reconcile(channel)
    if not found["renumbered"] and (found["gone"], found["waiting"], found["missing"]) != (1, 0, 0):
        raise Differs(f"check: gone {found['gone']}, waiting {found['waiting']}, missing {found['missing']}")
    return ANEW if found["renumbered"] else ""


@trial("every mail gets another number: none comes twice, a new one comes")
def renumbered(stage: Stage) -> str:
    sent = stage.deliver(kinds())
    channel = stage.channel()
    stage.fetch(channel, outcome="succeeded", delivered=len(sent))
    how = stage.server.renumber()
    if stage.protocol == "imap":
        mark(stage, "-FLAGS", r"(\Seen)", "1:*")
    stage.fetch(channel, failed=0)
    stage.holds(sent)
    new = stage.deliver([invoice(100)])
    stage.fetch(channel, delivered=1, failed=0)
    stage.holds([*sent, *new])
    return how


@trial("UIDLs before and after a fetch, a deleted and a new mail: nothing comes twice, even where they change", "pop3")
def uidls(stage: Stage) -> str:
    sent = stage.deliver(invoice(number) for number in range(4))
    before = _uidls(stage)
    channel = stage.channel()
    stage.fetch(channel, outcome="succeeded", delivered=len(sent))
    after = _uidls(stage)
    _delete_first(stage)
    new = stage.deliver([invoice(10)])
    later = _uidls(stage)
    stage.fetch(channel, failed=0)
    stage.holds([*sent, *new])
    told = ["others after our fetch, nothing twice"] if set(before) != set(after) else []
    told += ["others after a mail was deleted, nothing twice"] if len(set(later) & set(after)) != 3 else []
    return "; ".join(told)


@trial("while another session holds the mailbox: taken, or mailbox_in_use; never a fault of the mails", "pop3")
def in_use(stage: Stage) -> str:
    sent = stage.deliver([invoice(1)])
    channel = stage.channel()
    other = stage.server.pop3()
    line = stage.portal.run("fetch_channel", channel).line
    other.quit()
    code = line["error"]["code"] if line["error"] else ""
    if code not in ("", "mailbox_in_use"):
        raise Differs(f"code {code}")
    stage.fetch(channel, outcome="succeeded", failed=0)
    stage.holds(sent)
    return "refused" if code else "both are let in"


@trial("kill -9 of the server in the middle of a fetch, and a new start: nothing lost, nothing twice")
def killed(stage: Stage) -> str:
    # Large: what the kernel holds on the way, up to 6 MB, arrives after the server's death.
    sent = stage.deliver(invoice(number, size=2_500_000) for number in range(6))
    with Gate(stage.server.doors[stage.protocol], lets_through=6_000_000) as gate:
        channel = stage.channel("--no-check", port=gate.port)
        lines: list[dict[str, object]] = []
        fetching = threading.Thread(target=lambda: lines.append(stage.portal.run("fetch_channel", channel).line))
        fetching.start()
        if not gate.holds_back.wait(60):
            fetching.join()
            raise Differs(f"the fetch ended before so much was sent: {lines[0]['error']}")
        stage.server.kill()
        gate.open()
        fetching.join()
        if lines[0]["outcome"] != "failed":
            raise Differs(f"the fetch that was cut off {lines[0]['outcome']}")
        stage.server.start()
        if stage.server.forgets:
            stage.server.deliver_again()
        left = _lock_left(stage, channel)
        stage.fetch(channel, outcome="succeeded", failed=0)
        stage.holds(sent)
        stage.fetch(channel, outcome="succeeded", delivered=0, failed=0)
    error = lines[0]["error"]
    assert isinstance(error, dict)
    return f"{error['code']}{left}"


def _lock_left(stage: Stage, channel: str) -> str:
    """A server's own lock may outlive it; then its operator takes it away."""
    if not stage.server.unlock(remove=False):
        return ""
    line = stage.fetch(channel, outcome="failed", seen=0)
    code = line["error"]["code"]
    if code not in ("mailbox_in_use", "server_silent"):
        raise Differs(f"a lock that was left: {code}")
    stage.server.kill()  # a process of it that still waits would take the lock
    stage.server.unlock(remove=True)
    stage.server.start()
    return "; then refused or silent until the lock that the dead server left was taken away"


def _linked_and_fetched(stage: Stage, mails: int) -> tuple[str, list[Sent]]:
    """Linked while nothing was unread: the nightly check counts what came since the first listing."""
    channel = stage.channel()
    stage.fetch(channel, outcome="succeeded", seen=0)
    sent = stage.deliver(invoice(number) for number in range(mails))
    stage.fetch(channel, outcome="succeeded", delivered=mails)
    return channel, sent


def _uidls(stage: Stage) -> list[str]:
    client = stage.server.pop3()
    lines = client.uidl()[1]
    client.quit()
    return [line.decode().split(maxsplit=1)[1] for line in lines]


def _delete_first(stage: Stage) -> None:
    if stage.protocol == "pop3":
        client = stage.server.pop3()
        client.dele(1)
        client.quit()
        return
    with stage.server.other_client() as other:
        said(other.store("1", "+FLAGS", r"(\Deleted)"))
        said(other.expunge())
