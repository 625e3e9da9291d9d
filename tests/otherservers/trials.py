"""What is tried on every server: each gets an empty server and says what it saw, or raises Differs."""

from __future__ import annotations

import imaplib
import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.otherservers.base import Refused, said
from tests.otherservers.mails import Sent, corpus, invoice, thirty_and_more
from tests.otherservers.stage import Differs, NotHere, Stage, error_code
from tests.servers.gate import Gate

Run = Callable[[Stage], str]


@dataclass(frozen=True)
class Trial:
    name: str
    what: str
    protocols: tuple[str, ...]
    run: Run


TRIALS: list[Trial] = []
OF_THE_PERSON = ("password_refused", "account_locked", "password_expired", "app_password_needed")


def trial(what: str, *protocols: str) -> Callable[[Run], Run]:
    def register(run: Run) -> Run:
        TRIALS.append(Trial(run.__name__.replace("_", " "), what, protocols or ("imap", "pop3"), run))
        return run

    return register


@trial("an empty mailbox: the check succeeds, the fetch finds nothing, the first mail comes")
def empty(stage: Stage) -> str:
    channel = stage.channel()
    stage.fetch(channel, outcome="succeeded", seen=0)
    sent = stage.deliver([invoice(1)])
    stage.fetch(channel, outcome="succeeded", seen=1, delivered=1)
    stage.holds(sent)
    return ""


@trial("33 mails of many kinds: each document exactly once; then again, with a new mail in between")
def once(stage: Stage) -> str:
    sent = stage.deliver(thirty_and_more())
    channel = stage.channel()
    stage.fetch(channel, outcome="succeeded", seen=len(sent), delivered=len(sent), failed=0)
    stage.holds(sent)
    stage.fetch(channel, outcome="succeeded", delivered=0, failed=0)
    new = stage.deliver([invoice(100)])
    stage.fetch(channel, outcome="succeeded", delivered=1, failed=0)
    stage.holds([*sent, *new])
    return f"{stage.kept_as_sent(sent)} of {len(sent)} byte for byte"


@trial("the odd mails of the tests: none fails, none comes twice")
def odd(stage: Stage) -> str:
    accepted = sum(_accepts(stage, raw) for raw in corpus())
    channel = stage.channel()
    line = stage.fetch(channel, seen=accepted, failed=0)
    before = len(stage.documents())
    stage.fetch(channel, delivered=0, failed=0)
    if len(stage.documents()) != before:
        raise Differs("more documents after the second fetch")
    return f"{line['delivered']} taken in, {line['already']} the same mail, {line['documents']} documents"


def _accepts(stage: Stage, raw: bytes) -> bool:
    """Cyrus takes no NUL."""
    try:
        stage.server.deliver(raw)
    except (Refused, imaplib.IMAP4.error):
        return False
    return True


@trial("signing in with another password than the server's: said of the password, or of what the server calls it")
def wrong_password(stage: Stage) -> str:
    code = error_code(stage.link(password="niet-geheim"))
    channel = stage.channel("--no-check", password="niet-geheim")
    line = stage.portal.run("fetch_channel", channel).line
    found = {code, line["error"]["code"] if line["error"] else "no error"}
    if found not in ({"password_refused"}, {"sign_in_refused"}):
        raise Differs(f"codes {', '.join(sorted(found))}")
    return "in words that say nothing of the password" if "sign_in_refused" in found else ""


@trial("a mailbox that the server itself cannot read, said where the password is: no fault of the password")
def box_refused(stage: Stage) -> str:
    if not stage.server.damage():
        raise NotHere
    channel = stage.channel("--no-check")
    error = stage.portal.run("fetch_channel", channel).line["error"]
    if error is None:
        return "served all the same"
    if error["code"] in OF_THE_PERSON:
        raise Differs(f"told as {error['code']}")
    return f"told as {error['code']}"


@trial("STARTTLS or STLS instead of TLS from the first byte")
def starttls(stage: Stage) -> str:
    if f"{stage.protocol} starttls" not in stage.server.doors:
        raise NotHere
    sent = stage.deliver([invoice(1)])
    stage.fetch(stage.channel(starttls=True), outcome="succeeded", delivered=1)
    stage.holds(sent)
    return ""


@trial("every mail is \\Seen afterwards, in the eyes of another client", "imap")
def flags(stage: Stage) -> str:
    sent = stage.deliver(invoice(number) for number in range(12))
    stage.fetch(stage.channel(), outcome="succeeded", delivered=len(sent))
    with stage.server.other_client() as client:
        (unseen,) = said(client.search(None, "UNSEEN"))
    if unseen:
        raise Differs(f"still unread: {unseen!r}")
    return ""


@trial("mails that their owner marks as unread again: not doubled, and they stay unread", "imap")
def unread_again(stage: Stage) -> str:
    sent = stage.deliver(_kinds())
    channel = stage.channel()
    stage.fetch(channel, outcome="succeeded", delivered=len(sent))
    _mark(stage, "-FLAGS", r"(\Seen)", "1:*")
    stage.fetch(channel, outcome="succeeded", delivered=0, already=len(sent))
    stage.holds(sent)
    with stage.server.other_client() as client:
        (unseen,) = said(client.search(None, "UNSEEN"))
    if len(bytes(unseen).split()) != len(sent):  # type: ignore[arg-type]
        raise Differs(f"unread afterwards: {unseen!r}")
    return ""


@trial("a mail that another client reads before us: IMAP leaves and counts it, POP3 takes it once")
def read_before(stage: Stage) -> str:
    channel, sent = _linked_and_fetched(stage, 3)
    read, unread = stage.deliver([invoice(10)]), stage.deliver([invoice(11)])
    if stage.protocol == "pop3":
        client = stage.server.pop3()
        client.retr(4)
        client.quit()
        stage.fetch(channel, outcome="succeeded", delivered=2, failed=0)
        stage.holds([*sent, *read, *unread])
        return ""
    with stage.server.other_client() as other:
        said(other.fetch("4", "(BODY[])"))
    stage.fetch(channel, outcome="succeeded", delivered=1, failed=0)
    stage.holds([*sent, *unread])
    missing = stage.reconcile(channel)["missing"]
    if missing != 1:
        raise Differs(f"the nightly check counts {missing} read elsewhere, not 1")
    return ""


@trial("a mail that another client deletes: the others are not doubled, a new one comes, the check calls it gone")
def deleted(stage: Stage) -> str:
    channel, sent = _linked_and_fetched(stage, 4)
    _delete_first(stage)
    new = stage.deliver([invoice(10)])
    stage.fetch(channel, outcome="succeeded", delivered=1, failed=0)
    stage.holds([*sent, *new])
    found = stage.reconcile(channel)
    if (found["gone"], found["waiting"], found["missing"]) != (1, 0, 0):
        raise Differs(f"check: gone {found['gone']}, waiting {found['waiting']}, missing {found['missing']}")
    return ""


@trial("every mail gets another number: none comes twice, a new one comes")
def renumbered(stage: Stage) -> str:
    sent = stage.deliver(_kinds())
    channel = stage.channel()
    stage.fetch(channel, outcome="succeeded", delivered=len(sent))
    how = stage.server.renumber()
    if stage.protocol == "imap":
        _mark(stage, "-FLAGS", r"(\Seen)", "1:*")
    stage.fetch(channel, failed=0)
    stage.holds(sent)
    new = stage.deliver([invoice(100)])
    stage.fetch(channel, delivered=1, failed=0)
    stage.holds([*sent, *new])
    return how


@trial("the UIDLs of two sessions, with a fetch, a deleted and a new mail in between", "pop3")
def uidls(stage: Stage) -> str:
    sent = stage.deliver(invoice(number) for number in range(4))
    before = _uidls(stage)
    stage.fetch(stage.channel(), outcome="succeeded", delivered=len(sent))
    after = _uidls(stage)
    _delete_first(stage)
    stage.deliver([invoice(10)])
    later = _uidls(stage)
    if before != after:
        raise Differs("other UIDLs after our fetch")
    if later[:3] != before[1:]:
        raise Differs("other UIDLs after a mail was deleted")
    return f"such as {before[0]}"


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
            raise Differs("the fetch ended before so much was sent")
        stage.server.kill()
        gate.open()
        fetching.join()
        if lines[0]["outcome"] != "failed":
            raise Differs(f"the fetch that was cut off {lines[0]['outcome']}")
        stage.server.start()
        if stage.server.forgets:
            stage.server.deliver_again()
        left = _lock_left(stage, channel)
        stage.fetch(channel, failed=0)
        stage.holds(sent)
        stage.fetch(channel, outcome="succeeded", delivered=0, failed=0)
    error = lines[0]["error"]
    assert isinstance(error, dict)
    return f"{error['code']} after {lines[0]['delivered']} of {len(sent)}{left}"


def _lock_left(stage: Stage, channel: str) -> str:
    """A server's own lock may outlive it; then its operator takes it away."""
    if not stage.server.unlock(remove=False):
        return ""
    line = stage.fetch(channel, outcome="failed", seen=0)
    if line["error"]["code"] != "mailbox_in_use":
        raise Differs(f"a lock that was left: {line['error']['code']}")
    stage.server.unlock(remove=True)
    return "; then mailbox_in_use until the lock that the dead server left was taken away"


@trial("a folder whose name has levels, a space and letters beyond ASCII", "imap")
def folder(stage: Stage) -> str:
    name = _folder_name(stage)
    sent = _in_a_folder(stage, name)
    stage.fetch(stage.channel("--folder", name), outcome="succeeded", delivered=len(sent))
    stage.holds(sent)
    return name


@trial("the same folder, typed without what the server puts before it", "imap")
def folder_as_typed(stage: Stage) -> str:
    if not stage.server.prefix:
        raise NotHere
    name = _folder_name(stage)
    typed = name.removeprefix(stage.server.prefix).replace(stage.server.separator or "", "/")
    sent = _in_a_folder(stage, name)
    stage.fetch(stage.channel("--folder", typed), outcome="succeeded", delivered=len(sent))
    stage.holds(sent)
    return typed


def _linked_and_fetched(stage: Stage, mails: int) -> tuple[str, list[Sent]]:
    """Linked while it was empty: the nightly check counts what came since the first listing."""
    channel = stage.channel()
    stage.fetch(channel, outcome="succeeded", seen=0)
    sent = stage.deliver(invoice(number) for number in range(mails))
    stage.fetch(channel, outcome="succeeded", delivered=mails)
    return channel, sent


def _kinds() -> list[Sent]:
    """One of each kind, without the demo's."""
    return thirty_and_more()[0:20:2]


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


def _mark(stage: Stage, how: str, flags: str, mails: str) -> None:
    with stage.server.other_client() as client:
        said(client.store(mails, how, flags))


def _folder_name(stage: Stage) -> str:
    server = stage.server
    if server.separator is None:
        raise NotHere
    return server.prefix + server.separator.join(["Facturen 2026", "Café’s en ijs"])


def _in_a_folder(stage: Stage, name: str) -> list[Sent]:
    sent = [invoice(1), invoice(2)]
    stage.server.make_folder(name)
    for one in sent:
        stage.server.append(one.raw, name)
    return sent
