"""Measures fetches side by side and prints the table: python -m bench [--small] (make bench)"""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
import time
from pathlib import Path

from bench import polls, portal, report, rounds
from bench.ground import ground
from bench.mails import mailbox

WORK = Path(__file__).resolve().parent.parent / "var" / "bench"


def main() -> int:
    options = _options()
    absent = [program for program in ("dovecot", "mbsync") if not shutil.which(program, path=rounds.PATH)]
    if absent:
        print(f"Not installed: {', '.join(absent)} (Debian: apt-get install dovecot-imapd dovecot-pop3d isync)")
        return 1
    began = time.monotonic()
    WORK.mkdir(parents=True, exist_ok=True)
    WORK.chmod(0o755)
    many = mailbox(WORK / "mails", options.mails or (100 if options.small else 1000), scans=not options.small)
    few = mailbox(WORK / "mails", options.mails or 100, scans=False)
    with ground(WORK) as where, portal.portal(where, options.database) as ours:
        plan = rounds.Plan(where, ours, many, few, options.rounds)
        found = plan.run(say=lambda text: print(text, file=sys.stderr, flush=True))
        found += plan.memory()
        found += polls.measure(where, ours, options.polls if options.polls is not None else 10_000)
    print(f"{platform.machine()}, {_processor()}, {portal.cores()} cores, Python {platform.python_version()}")
    print(f"{len(many.mails)} mails, {many.size / 1e6:.0f} MB, {len(many.attachments)} attachments; "
          f"medians of {options.rounds}; {time.monotonic() - began:.0f} s in all\n")  # fmt: skip
    print(report.table(found))
    return 0 if all(one.right for one in found) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--small", action="store_true", help="100 small mails and three rounds: under two minutes")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--mails", type=int, help="another number of mails")
    parser.add_argument("--polls", type=int, help="how many empty mailboxes are looked into; 0 leaves that out")
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.small else 5)
    if options.polls is None and options.small:
        options.polls = 500
    return options


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "processor unknown")


if __name__ == "__main__":
    sys.exit(main())
