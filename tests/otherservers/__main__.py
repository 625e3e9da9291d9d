"""Tries the portal on real mail servers other than its own tests': python -m tests.otherservers (make servers)

Packages are unpacked, never installed, into a cache outside the repository. Exit code 1 when something differed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from scripts.bootstrap import say
from tests.otherservers import trials, trials_between  # noqa: F401 -- they register themselves
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
from tests.otherservers.registry import TRIALS, Trial
from tests.otherservers.stage import Differs, NotHere, Stage
from tests.otherservers.table import Result, markdown
from tests.otherservers.twisted_mail import TwistedImap, TwistedPop3
from tests.servers.certificates import make_certificates

SERVERS: tuple[type[MailServer], ...] = (
    Cyrus, Courier, Mailutils, Popa3d, SolidPop3dMbox, SolidPop3dMaildir, Hoodiecrow, TwistedImap, TwistedPop3,
    Pymap, DovecotMbox, DovecotMaildir,
)  # fmt: skip

RESULTS = "## Results\n"


def main() -> int:
    options = _options()
    options.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="zv-servers-") as name:
        work = Path(name)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: _end(work))
        work.chmod(0o755)  # some servers run as another user
        certificates = make_certificates(work)
        ground = Ground(options.cache, Debian(options.cache), certificates, options.wire)
        (work / "portal").mkdir()
        portal = QuickPortal(work / "portal", str(certificates.ca_file))
        portal.run("migrate")
        trying = _Trying(ground, portal, work, options.trials)
        wanted = [(kind, protocol) for kind in _chosen(options.only) for protocol in kind.protocols]
        with ThreadPoolExecutor(options.jobs) as jobs:
            results = [result for results in jobs.map(trying.all_on, *zip(*wanted, strict=True)) for result in results]
    table = markdown(results, trying.absent)
    say(f"\n{table}")
    if options.write:
        before, mark, _ = options.write.read_text().partition(RESULTS) if options.write.exists() else ("", "", "")
        options.write.write_text(f"{before}{mark}{table}")
    return int(any(one.passed is False for one in results))


def _end(work: Path) -> None:
    """At once: the threads would go on with their trials. The kernel ends the servers with us."""
    shutil.rmtree(work, ignore_errors=True)
    os._exit(1)


@dataclass
class _Trying:
    ground: Ground
    portal: QuickPortal
    work: Path
    only: str
    absent: list[str] = field(default_factory=list)

    def all_on(self, kind: type[MailServer], protocol: str) -> list[Result]:
        """Each trial on a server of its own."""
        results = []
        try:
            if kind.needs_root and os.geteuid() != 0:
                raise NotToBeHad("it must be started as root")
            administration = self.portal.administration(f"{kind.name} {protocol}")
            for trial in TRIALS:
                if protocol in trial.protocols and (not self.only or trial.name in self.only.split(",")):
                    result = self._one(kind, protocol, trial, administration)
                    say(_line(result))
                    results.append(result)
        except NotToBeHad as problem:
            self.absent.append(f"{kind.name}, {protocol.upper()}: {problem}")
            say(self.absent[-1])
        return results

    def _one(self, kind: type[MailServer], protocol: str, trial: Trial, administration: str) -> Result:
        words = re.findall(r"\w+", f"{kind.name} {protocol} {trial.name}")
        directory = self.work / "-".join(words).lower()
        directory.mkdir()
        server = kind(self.ground, directory)
        server.prepare()
        try:
            passed, note = _outcome(trial, Stage(self.portal, administration, server, protocol))
        finally:
            server.stop()
            shutil.rmtree(directory, ignore_errors=True)
        return Result(kind.name, server.version, protocol, trial.name, passed, note)


def _outcome(trial: Trial, stage: Stage) -> tuple[bool | None, str]:
    try:
        stage.server.start()
        return True, trial.run(stage)
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
    parser.add_argument("--jobs", type=int, default=2, help="servers at the same time (%(default)s)")
    parser.add_argument("--wire", type=Path, help="a folder for what is said on the line")
    parser.add_argument("--write", type=Path, help="a file for the table, behind its heading Results")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
