"""Measures fetches side by side and prints the table: python -m bench [--small] (make bench)"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import time
from pathlib import Path

from bench import lists, polls, portal, report, rounds, scale
from bench.ground import ground
from bench.mails import mailbox
from scripts.steps import cores

WORK = Path(__file__).resolve().parent.parent / "var" / "bench"


def main() -> int:
    if "--scale" in sys.argv[1:]:
        return scale.main([word for word in sys.argv[1:] if word != "--scale"])
    options = _options()
    if options.lists:
        return lists.main([])
    wanted = ("dovecot",) if options.check else ("dovecot", "mbsync")
    absent = [program for program in wanted if not shutil.which(program, path=rounds.PATH)]
    if absent:
        print(f"Not installed: {', '.join(absent)} (Debian: apt-get install dovecot-imapd dovecot-pop3d isync)")
        return 1
    began = time.monotonic()
    os.umask(0o022)  # the mail server runs as another user, whatever umask we were started with
    options.work.mkdir(parents=True, exist_ok=True)
    options.work.chmod(0o755)  # the server runs as another user
    many = mailbox(options.work / "mails", options.mails, scans=not (options.small or options.check))
    few = mailbox(options.work / "mails", min(options.mails, 100), scans=False)
    whole = options.mails > len(few.mails)
    ordinary = mailbox(options.work / "mails", 500, scans=False) if whole else None
    with ground(options.work) as where, portal.portal(where, options.database) as ours:
        only, delays = ({"ours"}, (0,)) if options.check else (None, rounds.DELAYS)
        plan = rounds.Plan(where, ours, many, few, options.rounds, ordinary, delays, only)
        found = plan.run(say=lambda text: print(text, file=sys.stderr, flush=True))
        if not options.check:
            found += plan.memory() + polls.measure(where, ours, options.polls)
    print(f"{platform.machine()}, {_processor()}, {cores()} cores, Python {platform.python_version()}")
    print(f"{len(many.mails)} mails, {many.size / 1e6:.0f} MB, {len(many.attachments)} attachments; "
          f"medians of {options.rounds}; {time.monotonic() - began:.0f} s in all\n")  # fmt: skip
    print(report.table(found))
    return 0 if all(one.right for one in found) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--small", action="store_true", help="100 small mails, three rounds, 500 polls")
    parser.add_argument("--check", action="store_true", help="only our own fetches, of 20 mails, once")
    parser.add_argument("--lists", action="store_true", help="instead: the lists of a big office (bench.lists)")
    parser.add_argument("--scale", action="store_true", help="instead: many channels at their half hour (bench.scale)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mails", type=int, default=1000)
    parser.add_argument("--polls", type=int, default=10_000)
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--work", type=Path, default=WORK, help="on the disk to be measured; keeps the mailboxes")
    options = parser.parse_args()
    if options.small:
        options.rounds, options.mails, options.polls = 3, 100, 500
    if options.check:
        options.rounds, options.mails, options.database = 1, 20, "sqlite"
    return options


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "processor unknown"
    )


if __name__ == "__main__":
    sys.exit(main())
