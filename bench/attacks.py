"""How fast the portal answers others while it is attacked: python -m bench.attacks [--probes N] [NAME …]

Each attack is a context manager of ATTACKS that goes on inside its `with`. Measured are probes of /healthz, one after
another, on a connection of their own each: their median before the attack and during it.
"""

from __future__ import annotations

import argparse
import secrets
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.browser.whole import SEED, Stage, WholePortal, whole_portal
from tests.security.visitors import DrippingServer, Visitor, free_port, web_of_the_image
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.redis import redis_server

CHECKS: Final = 20
#: at the same time, each as quickly as it is answered
STRANGERS: Final = 8
SETTINGS: Final = {"CHECKS_PER_ADMINISTRATION": str(CHECKS), "CHECKS_AT_ONCE": str(CHECKS)}


@dataclass(frozen=True)
class Target:
    """The portal that is attacked, one office in it, and certificates for servers that its channels believe."""

    portal: WholePortal
    stage: Stage
    certificates: Certificates


@contextmanager
def dripping_checks(target: Target) -> Iterator[None]:
    """Twenty connection checks of a mail server that drips."""
    portal, stage = target.portal, target.stage
    new = stage.address("channels/new/email").removeprefix(portal.url)
    people = [Visitor(portal, stage.anna) for _ in range(CHECKS)]
    with DrippingServer(target.certificates.good) as server, ThreadPoolExecutor(CHECKS) as many:
        for person in people:
            many.submit(person.post, new, server.form())
        portal.wait_until(lambda: server.held == CHECKS, "all checks at the same time")
        yield


@contextmanager
def wrong_sign_ins(target: Target) -> Iterator[None]:
    """Strangers who try passwords, one after another, for as long as it is measured."""
    typed = {"login": target.stage.anna, "password": "guessed"}

    def guess(one: Visitor) -> None:
        with suppress(ValueError):  # the page of too many requests has no form
            one.post("/account/login/", typed)

    with _strangers(target, guess):
        yield


@contextmanager
def wrong_links(target: Target) -> Iterator[None]:
    """Strangers who try addresses of invitations."""
    with _strangers(target, lambda one: one.get(f"/invitation/{secrets.token_urlsafe(32)}")):
        yield


ATTACKS: Final[dict[str, Callable[[Target], AbstractContextManager[None]]]] = {
    "dripping-checks": dripping_checks,
    "wrong-sign-ins": wrong_sign_ins,
    "wrong-links": wrong_links,
}


@contextmanager
def _strangers(target: Target, do: Callable[[Visitor], object]) -> Iterator[None]:
    ended = threading.Event()

    def go_on() -> None:
        while not ended.is_set():
            do(Visitor(target.portal))

    with ThreadPoolExecutor(STRANGERS) as many:
        going = [many.submit(go_on) for _ in range(STRANGERS)]
        try:
            yield
        finally:
            ended.set()
        for one in going:
            one.result()


def median(portal: WholePortal, probes: int) -> float:
    """Seconds of a probe of /healthz."""
    return statistics.median(_probe(portal) for _ in range(probes))


def _probe(portal: WholePortal) -> float:
    began = time.perf_counter()
    answer = Visitor(portal).get("/healthz")
    seconds = time.perf_counter() - began
    answer.raise_for_status()
    return seconds


@contextmanager
def attacked(folder: Path) -> Iterator[Target]:
    """A whole portal as the image starts it, and whoever is attacked in it."""
    certificates, port = make_certificates(folder), free_port()
    web = web_of_the_image(port)
    with (
        redis_server() as broker,
        whole_portal(folder, port, str(certificates.ca_file), "", broker.url, dict(SETTINGS), web) as portal,
    ):
        environment, administration = portal.ask(SEED, number=1, password=Stage.PASSWORD, language="nl")
        yield Target(portal, Stage(portal, 1, environment, administration), certificates)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.attacks", description=__doc__)
    parser.add_argument("names", nargs="*", default=list(ATTACKS), metavar="NAME", help=", ".join(ATTACKS))
    parser.add_argument("--probes", type=int, default=100)
    options = parser.parse_args()
    print("| attack | quiet, median | attacked, median | ratio |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="zenvoices-attacks-") as folder, attacked(Path(folder)) as target:
        for name in options.names:
            quiet = median(target.portal, options.probes)
            with ATTACKS[name](target):
                during = median(target.portal, options.probes)
            print(f"| {name} | {quiet * 1000:.1f} ms | {during * 1000:.1f} ms | {during / quiet:.1f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
