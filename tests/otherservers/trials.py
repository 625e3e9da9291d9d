"""What is tried on every server: each trial gets an empty one and says what it saw, or raises Differs."""

from __future__ import annotations

import imaplib

from tests.otherservers.base import Refused, said
from tests.otherservers.mails import Sent, corpus, invoice, thirty_and_more
from tests.otherservers.registry import trial
from tests.otherservers.stage import Differs, NotHere, Stage, error_code

OF_THE_PERSON = ("password_refused", "account_locked", "password_expired", "app_password_needed")


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
    before = {document["document"]: document["filename"] for document in stage.documents()}
    stage.fetch(channel, delivered=0, failed=0)
    after = {document["document"]: document["filename"] for document in stage.documents()}
    if after != before:
        raise Differs(f"other documents after the second fetch: {sorted(before.items() ^ after.items())[:4]}")
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
    sent = stage.deliver(kinds())
    channel = stage.channel()
    stage.fetch(channel, outcome="succeeded", delivered=len(sent))
    mark(stage, "-FLAGS", r"(\Seen)", "1:*")
    stage.fetch(channel, outcome="succeeded", delivered=0, already=len(sent))
    stage.holds(sent)
    with stage.server.other_client() as client:
        (unseen,) = said(client.search(None, "UNSEEN"))
    if len(bytes(unseen).split()) != len(sent):  # type: ignore[arg-type]
        raise Differs(f"unread afterwards: {unseen!r}")
    return ""


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


def kinds() -> list[Sent]:
    """One of each kind, without the demo's."""
    return thirty_and_more()[0:20:2]


def mark(stage: Stage, how: str, flags: str, mails: str) -> None:
    with stage.server.other_client() as client:
        said(client.store(mails, how, flags))
