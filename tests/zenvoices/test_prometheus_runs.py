"""A real Prometheus reads a real portal as deploy/prometheus says, and its alerts fire."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml
from django.utils import timezone

from scripts.components import SEARCH
from tests.portal import stop
from tests.security.web import as_make_run_starts_it, free_port, prepared_portal, serving
from tests.servers.plugin import missing
from tests.servers.redis import redis_server
from tests.waiting import wait_until
from tests.zenvoices.test_prometheus import ALERTS, BOARD, loaded

pytestmark = [pytest.mark.slow, pytest.mark.promtool, pytest.mark.redis, pytest.mark.once, pytest.mark.proof]

PATIENCE = 60  # seconds, on a busy machine
TOKEN = "kanarie-7261"


@dataclass(frozen=True)
class Prometheus:
    port: int
    stop_the_portal: Callable[[], None]

    def ask(self, path: str, **words: str) -> Any:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}?{urlencode(words)}", timeout=10) as answer:
                return json.load(answer)["data"]
        except HTTPError as refused:
            pytest.fail(f"{words}: {refused.read().decode()}")

    def firing(self) -> set[str]:
        alerts = self.ask("alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def until(self, happened: Callable[[], Any]) -> None:
        wait_until(happened, told=lambda: str(self.ask("targets")), seconds=PATIENCE)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Of a portal whose schedule does not run, and whose registration at Google ends."""
    program = shutil.which("prometheus", path=SEARCH)
    if program is None:
        missing("prometheus")
    folder, web_port, port = tmp_path_factory.mktemp("prometheus"), free_port(), free_port()
    with redis_server() as broker, ExitStack() as web:
        portal = prepared_portal(
            tmp_path_factory.mktemp("portal"),
            REDIS_URL=broker.url,
            METRICS_TOKEN=TOKEN,
            GOOGLE_CLIENT_ID="id",
            GOOGLE_CLIENT_SECRET="secret",
            GOOGLE_CLIENT_SECRET_EXPIRES_ON=str(timezone.localdate() + timedelta(days=12)),
        )
        web.enter_context(serving(portal, as_make_run_starts_it(web_port), web_port))
        with reading(program, folder, as_deployed(folder, web_port), port):
            yield Prometheus(port, web.close)


def as_deployed(folder: Path, web_port: int) -> Path:
    """The files of deploy/prometheus, but for where the portal and its token are, and how long is waited."""
    config = loaded("scrape.yml")
    [job] = config["scrape_configs"]
    (folder / "token").write_text(TOKEN)
    job["authorization"]["credentials_file"] = str(folder / "token")
    job["static_configs"] = [{"targets": [f"127.0.0.1:{web_port}"]}]
    job["scrape_interval"] = "1s"
    job["scrape_timeout"] = "1s"
    rules = loaded("rules.yml")
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule.pop("for", None)
    (folder / "rules.yml").write_text(yaml.safe_dump(rules))
    written = folder / "prometheus.yml"
    written.write_text(yaml.safe_dump(config | {"global": {"evaluation_interval": "1s"}}))
    return written


@contextmanager
def reading(program: str, folder: Path, config: Path, port: int) -> Iterator[None]:
    words = [f"--config.file={config}", f"--storage.tsdb.path={folder}", f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *words], stdout=log, stderr=log)
    try:
        wait_until(lambda: is_ready(port), told=(folder / "log").read_text, goes_on=lambda: process.poll() is None)
        yield
    finally:
        stop(process)


def is_ready(port: int) -> bool:
    try:
        return bool(urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=10).status == 200)
    except OSError:
        return False


def test_prometheus_reads_the_portal_and_its_alerts_fire(prometheus: Prometheus) -> None:
    prometheus.until(lambda: prometheus.ask("query", query='up{job="zenvoices"} == 1')["result"])
    exprs = [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]
    for expr in [*exprs, *(alert["expr"] for alert in ALERTS)]:
        prometheus.ask("query", query=expr)
    prometheus.until(lambda: {"ZenvoicesPartDown", "ZenvoicesRegistrationEndsSoon"} <= prometheus.firing())
    assert "ZenvoicesScrapeAway" not in prometheus.firing()
    prometheus.stop_the_portal()
    prometheus.until(lambda: "ZenvoicesScrapeAway" in prometheus.firing())
