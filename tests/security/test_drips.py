"""A stranger's mail server that takes its time holds up those alone who wait for it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.browser.whole import Stage, WholePortal, whole_portal
from tests.security.visitors import DrippingServer, Visitor, web_of_the_image
from tests.servers.certificates import Certificates
from tests.servers.redis import redis_server

pytestmark = [pytest.mark.redis, pytest.mark.slow]
#: more than the image has threads for people
CHECKS = 20


@pytest.fixture
def portal(tmp_path: Path, certificates: Certificates, portal_database: str, portal_port: int) -> Iterator[WholePortal]:
    settings = {"CHECKS_PER_ADMINISTRATION": str(CHECKS), "CHECKS_AT_ONCE": str(CHECKS)}
    web = web_of_the_image(portal_port)
    with (
        redis_server() as broker,
        whole_portal(
            tmp_path, portal_port, str(certificates.ca_file), portal_database, broker.url, settings, web
        ) as running,
    ):
        yield running


@pytest.mark.proof
def test_twenty_checks_of_a_server_that_drips_hold_nobody_else_up(
    portal: WholePortal, certificates: Certificates
) -> None:
    stage = Stage.seeded(portal, 1, "nl")
    new = stage.address("channels/new/email").removeprefix(portal.url)
    anna, stranger, nobody = Visitor(portal, stage.anna), Visitor(portal, stage.person("charlie")), Visitor(portal)
    with DrippingServer(certificates.good) as server, ThreadPoolExecutor(CHECKS) as many:
        asked = [many.submit(Visitor(portal, stage.anna).post, new, server.form()) for _ in range(CHECKS)]
        portal.wait_until(lambda: server.held == CHECKS, "all checks at the same time")
        answers = [who.get(path).status_code for who, path in ((nobody, "/healthz"), (stranger, "/"), (anna, new))]
        one_more = anna.post(new, server.form())
        assert (answers, server.held) == ([200, 200, 200], CHECKS)  # answered while every check went on
        assert [each.result().status_code for each in asked] == [302] * CHECKS
        assert (one_more.status_code, f"Er lopen al {CHECKS} controles" in one_more.text) == (422, True)
