"""Mail servers by the hundred in one process, each answer 50 ms late: bench.scale starts it.

Speaks what a poll asks of a mailbox, by TLS on a loopback address of its own for each host (Linux has all of 127/8).
Every mailbox is empty, unless there are mails: then they are in all of them, unread.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import gc
import re
import ssl
import sys
import time
from functools import partial
from pathlib import Path
from typing import Final

PORT: Final = 9993
LATE: Final = 0.05  # seconds
CAPABILITIES: Final = "IMAP4rev1 ESEARCH SASL-IR AUTH=PLAIN"
PDF_BYTES: Final = 20_000


class Mailbox:
    """`mails`: so many, with the UIDs 1 and up."""

    def __init__(self, mails: int) -> None:
        self._mails = mails
        self._unread = set(range(1, mails + 1))

    def answer(self, line: str) -> bytes:
        tag, command, *words = line.split(" ")
        name = command.upper() if command.upper() != "UID" else f"UID {words.pop(0).upper()}"
        said = self._said(name, tag, words)
        return b"" if said is None else said + f"{tag} OK {self._ending(name)}\r\n".encode()

    def _ending(self, name: str) -> str:
        if name in ("LOGIN", "AUTHENTICATE"):
            return f"[CAPABILITY {CAPABILITIES}] in"
        return "[READ-WRITE] open" if name == "SELECT" else "done"

    def _said(self, name: str, tag: str, words: list[str]) -> bytes | None:
        """What comes before the tagged line; None ends the session."""
        if name == "LOGOUT":
            return None
        if name == "CAPABILITY":
            return f"* CAPABILITY {CAPABILITIES}\r\n".encode()
        if name == "SELECT":
            known = f"UIDVALIDITY 1] ok\r\n* OK [UIDNEXT {self._mails + 1}"
            return f"* FLAGS (\\Seen)\r\n* {self._mails} EXISTS\r\n* OK [{known}] ok\r\n".encode()
        if name == "UID SEARCH":
            return self._found(tag, " ".join(words))
        if name == "UID FETCH":
            return b"".join(self._told(uid, " ".join(words[1:])) for uid in uids_of(words[0]))
        if name == "UID STORE":
            self._unread.difference_update(uids_of(words[0]))
        return b""

    def _found(self, tag: str, keys: str) -> bytes:
        found = self._unread if "UNSEEN" in keys else set(range(1, self._mails + 1)) - self._unread
        if below := re.search(r"UID (\d+):(\d+|\*)", keys):
            highest = self._mails if below[2] == "*" else int(below[2])
            found = {uid for uid in found if int(below[1]) <= uid <= highest}
        told = f"ALL {set_of(sorted(found))} " if found else ""
        return f'* ESEARCH (TAG "{tag}") UID {told}COUNT {len(found)}\r\n'.encode()

    def _told(self, uid: int, items: str) -> bytes:
        mail = mail_of(uid)
        if "BODY" not in items:
            date = '"27-Nov-2026 09:00:00 +0000"'
            return f"* {uid} FETCH (UID {uid} RFC822.SIZE {len(mail)} INTERNALDATE {date})\r\n".encode()
        return b"* %d FETCH (UID %d BODY[] {%d}\r\n%b)\r\n" % (uid, uid, len(mail), mail)


def uids_of(numbers: str) -> list[int]:
    """Of 1,3:5."""
    parts = [part.partition(":") for part in numbers.split(",")]
    return [uid for low, _, high in parts for uid in range(int(low), int(high or low) + 1)]


def set_of(uids: list[int]) -> str:
    """1,3:5 of numbers in order."""
    runs: list[list[int]] = []
    for uid in uids:
        if runs and runs[-1][-1] == uid - 1:
            runs[-1][1:] = [uid]
        else:
            runs.append([uid])
    return ",".join(":".join(map(str, run)) for run in runs)


def mail_of(uid: int) -> bytes:
    """An invoice whose PDF is no other's."""
    paper = b"%%PDF-1.4\n%% %d\n" % uid + b"%d " % uid * (PDF_BYTES // len(b"%d " % uid)) + b"\n%%EOF\n"
    head = (
        f"From: Leverancier {uid % 50} <f@lev{uid % 50}.example>\r\nTo: box@scale.test\r\nSubject: Factuur {uid}\r\n"
        f"Date: Fri, 27 Nov 2026 09:00:00 +0000\r\nMessage-ID: <{uid}@scale.test>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nBijgaand de factuur.'
        f'\r\n--b\r\nContent-Type: application/pdf; name="factuur-{uid}.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
        f'Content-Disposition: attachment; filename="factuur-{uid}.pdf"\r\n\r\n'
    )
    return head.encode() + base64.encodebytes(paper).replace(b"\n", b"\r\n") + b"--b--\r\n"


class Sessions:
    """Each is a line of a file: host, when it began and ended, in seconds since 1970."""

    def __init__(self, file: Path, mails: int) -> None:
        self._file = file.open("a", buffering=1)
        self._mailbox = Mailbox(mails)

    async def serve(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        began = time.time()
        try:
            await asyncio.sleep(2 * LATE)  # the handshake took a round trip too
            writer.write(f"* OK [CAPABILITY {CAPABILITIES}] ready\r\n".encode())
            while (heard := await reader.read(65536)) and await self._answer(heard, reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass  # a worker was killed
        finally:
            self._file.write(f"{host} {began:.3f} {time.time():.3f}\n")
            writer.close()

    async def _answer(self, heard: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """What came in one packet is answered in one. Whether the session goes on."""
        if not heard.endswith(b"\n"):
            heard += await reader.readuntil(b"\n")
        answers = [self._mailbox.answer(line) for line in heard.decode().splitlines()]
        await asyncio.sleep(LATE)
        writer.write(b"".join(answers))
        await writer.drain()
        return all(answers)


async def serve(folder: Path, hosts: list[str], mails: int) -> None:
    """With the certificates of `folder`, until it is ended."""
    sessions = Sessions(folder / f"sessions-{hosts[0]}", mails)
    for host in hosts:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / f"{host}.pem")
        await asyncio.start_server(partial(sessions.serve, host), host, PORT, ssl=context, backlog=500)
    gc.freeze()
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until whoever started it is gone


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.scale_server", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("hosts", nargs="+")
    parser.add_argument("--mails", type=int, default=0)
    options = parser.parse_args()
    asyncio.run(serve(options.folder, options.hosts, options.mails))


if __name__ == "__main__":
    main()
