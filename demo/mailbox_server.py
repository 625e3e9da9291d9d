"""The demo mailbox: a real IMAP server (pymap) on loopback, TLS only, its mail in a maildir under DATA_DIR.

The portal reaches it as it reaches any mail server; it trusts the certificate through OUTBOUND_CA_FILE.
What the portal marks as read stays read: the flags live in the file names of the maildir.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import shutil
import signal
import ssl
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path

from proxyprotocol.reader import ProxyProtocolReader
from proxyprotocol.version import ProxyProtocolVersion
from pymap.backend import maildir as pymap_maildir
from pymap.backend.maildir.mailbox import Maildir
from pymap.backend.maildir.users import PasswordsFile, UsersFile
from pymap.imap import IMAPServer

from demo.certificates import write_certificates
from demo.invoices import MAILBOX


class _RawMessage:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def __bytes__(self) -> bytes:
        return self._raw


class RawMaildir(Maildir):
    """Serves the bytes as they were delivered; pymap would parse a mail and write it anew."""

    def get_message(self, key: str) -> _RawMessage:  # type: ignore[override]
        return _RawMessage(Path(self._path, self._lookup(key)).read_bytes())


def deliver(folder: Path, mails: list[tuple[datetime, bytes]]) -> None:
    """Fills a new maildir with unread mail: in a folder beside it first, so that it is whole or not there."""
    building = folder.with_name(folder.name + ".new")
    shutil.rmtree(building, ignore_errors=True)
    for part in ("cur", "new", "tmp"):
        (building / part).mkdir(parents=True)
    for number, (when, raw) in enumerate(mails, start=1):
        file = building / "new" / f"{int(when.timestamp())}.M{number:04}.demo"
        file.write_bytes(raw)
        os.utime(file, (when.timestamp(), when.timestamp()))
    building.rename(folder)


async def set_password(base: Path, password: str) -> None:
    hashed = _config(base).hash_context.hash(password)
    async with UsersFile.with_write(str(base)) as users, PasswordsFile.with_write(str(base)) as passwords:
        users.set(users.build_record(MAILBOX, "inbox"))
        passwords.set(passwords.build_record(MAILBOX, hashed))


def _config(base: Path) -> pymap_maildir.Config:
    arguments = Namespace(
        base_dir=str(base),
        layout="++",
        colon=None,
        concurrency=4,
        host="127.0.0.1",
        port=0,
        debug=False,
        cert=None,
        key=None,
        tls=False,  # no STARTTLS offered: the whole connection is TLS already
        passlib_cfg=None,
        proxy_protocol=None,
    )
    return pymap_maildir.Config.from_args(arguments)


async def serve(base: Path, port: int, password: str) -> None:
    vars(pymap_maildir)["Maildir"] = RawMaildir  # the backend has no other place to say which class it opens
    await set_password(base, password)
    config = _config(base)
    config.apply_context()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(base / "tls" / "cert.pem", base / "tls" / "key.pem")
    server = IMAPServer(pymap_maildir.Login(config), config)
    connected = ProxyProtocolReader(ProxyProtocolVersion.get(None)).get_callback(server)
    listener = await asyncio.start_server(connected, "127.0.0.1", port, ssl=context)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    logging.getLogger(__name__).warning("demo mailbox %s listens on 127.0.0.1:%d (TLS)", MAILBOX, port)
    async with listener:
        await ended.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=Path, help="folder that holds the mail, the users and the certificate")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--password-env", required=True, metavar="VAR", help="variable that holds the password")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    base: Path = arguments.base
    base.mkdir(parents=True, exist_ok=True)
    write_certificates(base / "tls")
    if not (base / "inbox").exists():
        from demo.mails import mails  # noqa: PLC0415 -- draws PDFs; only the first start pays for it

        deliver(base / "inbox", mails(datetime.now(UTC)))
    asyncio.run(serve(base, arguments.port, os.environ[arguments.password_env]))


if __name__ == "__main__":
    main()
