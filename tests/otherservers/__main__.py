"""Tries the portal on real mail servers other than its own tests': python -m tests.otherservers (make servers)

Packages are unpacked, never installed, into a cache outside the repository. Exit code 1 when something differed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from scripts.bootstrap import say
from tests.otherservers.base import Ground, MailServer
from tests.otherservers.courier import Courier
from tests.otherservers.cyrus import Cyrus
from tests.otherservers.dovecot import DovecotMaildir, DovecotMbox
from tests.otherservers.hoodiecrow import Hoodiecrow
from tests.otherservers.inetd import Popa3d, SolidPop3dMaildir, SolidPop3dMbox
from tests.otherservers.mailutils import Mailutils
from tests.otherservers.packages import Debian, NotToBeHad
from tests.otherservers.portal import QuickPortal
from tests.otherservers.pymap_mail import Pymap
from tests.otherservers.stage import Differs, NotHere, Stage
from tests.otherservers.table import Result, markdown
from tests.otherservers.trials import TRIALS, Trial
from tests.otherservers.twisted_mail import TwistedImap, TwistedPop3
from tests.servers.certificates import make_certificates

SERVERS: tuple[type[MailServer], ...] = (
    Cyrus, Courier, Mailutils, Popa3d, SolidPop3dMbox, SolidPop3dMaildir, Hoodiecrow, TwistedImap, TwistedPop3,
    Pymap, DovecotMbox, DovecotMaildir,
)  # fmt: skip


def main() -> int:
    options = _options()
    options.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="zv-servers-") as name:
        work = Path(name)
        work.chmod(0o755)  # some servers run as another user
        certificates = make_certificates(work)
        ground = Ground(options.cache, Debian(options.cache), certificates, options.wire)
        (work / "portal").mkdir()
        portal = QuickPortal(work / "portal", str(certificates.ca_file))
        portal.run("migrate")
        results: list[Result] = []
        absent: list[str] = []
        for number, kind in enumerate(_chosen(options.only)):
            try:
                for result in _tried(kind, ground, portal, work / f"{number:02}", options.trials):
                    say(_line(result))
                    results.append(result)
            except NotToBeHad as problem:
                absent.append(f"{kind.name}: {problem}")
                say(f"{kind.name}: not to be had: {problem}")
    table = markdown(results, absent)
    say(f"\n{table}")
    if options.write:
        options.write.write_text(table)
    return int(any(one.passed is False for one in results))


def _tried(kind: type[MailServer], ground: Ground, portal: QuickPortal, folder: Path, only: str) -> Iterator[Result]:
    """Each trial on a server of its own."""
    for protocol in kind.protocols:
        for number, trial in enumerate(TRIALS):
            if protocol in trial.protocols and (not only or trial.name in only.split(",")):
                directory = folder.with_name(f"{folder.name}-{protocol}-{number:02}")
                directory.mkdir()
                server = kind(ground, directory)
                server.prepare()
                try:
                    passed, note = _outcome(trial, server, protocol, portal)
                finally:
                    server.stop()
                yield Result(kind.name, server.version, protocol, trial.name, passed, note)


def _outcome(trial: Trial, server: MailServer, protocol: str, portal: QuickPortal) -> tuple[bool | None, str]:
    try:
        server.start()
        administration = portal.administration(f"{server.name} {protocol} {trial.name}")
        return True, trial.run(Stage(portal, administration, server, protocol))
    except NotHere:
        return None, ""
    except Differs as difference:
        return False, str(difference)
    except Exception as problem:  # noqa: BLE001 -- a server may fail in any way, and the others are still to be tried
        return False, f"the trial broke: {type(problem).__name__}: {problem}"


def _line(result: Result) -> str:
    word = {True: "ok", False: "DIFFERS", None: "-"}[result.passed]
    return f"{result.server:24} {result.protocol:5} {result.trial:16} {word:8} {result.note}"


def _chosen(only: str) -> list[type[MailServer]]:
    words = [word.strip().lower() for word in only.split(",") if word.strip()]
    return [kind for kind in SERVERS if not words or any(word in kind.name.lower() for word in words)]


def _options() -> argparse.Namespace:
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "zenvoices" / "servers"
    parser = argparse.ArgumentParser(prog="tests.otherservers", description=__doc__)
    parser.add_argument("--only", default="", help="servers whose name has one of these words, with commas")
    parser.add_argument("--trials", default="", help="these trials, with commas")
    parser.add_argument("--cache", type=Path, default=cache, help="where packages are unpacked (%(default)s)")
    parser.add_argument("--wire", type=Path, help="a folder for what is said on the line")
    parser.add_argument("--write", type=Path, help="a file for the table")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
