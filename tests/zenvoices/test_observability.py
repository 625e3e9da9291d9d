"""Every line of every program is JSON; Sentry and OpenTelemetry hear what they should, and nothing of anybody."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pytest
import yaml

from tests.portal import ROOT, Portal, stop
from tests.security.web import as_the_image_starts_it, free_port, wait_until_it_listens
from tests.servers.collector import Collector, collector
from tests.servers.redis import redis_server
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

CANARY = "kanarie-7261"
PATIENCE = 60  # seconds, on a busy machine
#: as compose starts them
COMMANDS = {
    name: service["command"]
    for name, service in yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"].items()
    if service.get("command", [""])[0] == "celery"
}


@dataclass
class Run:
    collector: Collector
    answer: http.client.HTTPResponse
    lines: dict[str, list[str]]


def as_itself(portal: Portal, *words: str, log: str) -> subprocess.Popen[bytes]:
    """A Python of its own, as it is started in earnest: not forked from one that has the settings already."""
    with (portal.folder / log).open("wb") as out:
        command = [sys.executable, "-m", *words]
        return subprocess.Popen(command, cwd=ROOT, env=portal.environment(), stdout=out, stderr=out)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Web, workers and beat, each asked for one thing; then the broker goes, of which beat complains."""
    folder, port = tmp_path_factory.mktemp("portal"), free_port()
    with collector() as heard, redis_server() as broker, ExitStack() as ending:
        settings = {
            "REDIS_URL": broker.url, "SENTRY_DSN": heard.dsn, "OTEL_EXPORTER_OTLP_ENDPOINT": heard.otlp,
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20mine", "OTEL_BSP_SCHEDULE_DELAY": "100",
            "TICK_SECONDS": "1", "TRUSTED_PROXY_COUNT": "1",
        }  # fmt: skip
        portal = Portal(folder, "", extra=settings)
        assert portal.run("collectstatic", "--no-input").code == 0
        programs = {"web": as_the_image_starts_it(port), **COMMANDS}
        started = {}
        for name, words in programs.items():
            portal.extra["OTEL_SERVICE_NAME"] = name
            started[name] = as_itself(portal, *words, log=f"{name}.log")
            ending.callback(stop, started[name])
        wait_until_it_listens(port)
        # No tables: each page and step breaks, with what was asked for in its locals.
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        headers = {"X-Request-ID": "asked-from-outside", "Cookie": f"zenvoices_session={CANARY}"}
        asked.request("GET", f"/consent/{CANARY * 3}?next={CANARY}", headers=headers)
        answer = asked.getresponse()
        answer.read()
        asked.close()
        wait_until(lambda: {"web", "worker-checks", "beat"} <= {name for name, _ in heard.spans()})
        wait_until(lambda: any(event.get("tags", {}).get("task") == "channels.tasks.tick" for event in heard.events()))
        broker.kill()
        wait_until(lambda: any(event["logger"].startswith("celery.beat") for event in heard.events()))
        ending.close()
        lines = {name: (folder / f"{name}.log").read_text().splitlines() for name in programs}
        yield Run(heard, answer, lines)


@pytest.mark.redis
def test_every_line_of_every_program_is_json_with_the_same_fields(run: Run) -> None:
    fields = {name: {tuple(json.loads(line))[:4] for line in lines} for name, lines in run.lines.items()}
    assert fields == {name: {("time", "level", "logger", "event")} for name in run.lines}


@pytest.mark.redis
def test_request_that_broke_has_its_id_in_answer_log_and_event(run: Run) -> None:
    lines = [json.loads(line) for line in run.lines["web"]]
    (request,) = [line for line in lines if line["event"] == "request"]
    assert (request["status"], request["path"]) == (500, "/consent/<str:token>")
    (event,) = [event for event in run.collector.events() if event["logger"] == "django.request"]
    assert (event["transaction"], event["exception"]["values"][-1]["type"]) == (
        "/consent/<str:token>",
        "OperationalError",
    )
    assert {run.answer.headers["X-Request-ID"], request["request"], event["tags"]["request"]} == {"asked-from-outside"}


@pytest.mark.redis
def test_spans_of_web_worker_and_beat_arrive_and_a_task_stands_below_who_queued_it(run: Run) -> None:
    spans = run.collector.spans()
    by_id = {span.span_id: (name, span) for name, span in spans}
    web = next(span for name, span in spans if name == "web")
    assert web.name == "GET /consent/<str:token>"
    ticks = [span for name, span in spans if (name, span.name) == ("worker-checks", "channels.tasks.tick")]
    queued_by = {(by_id[one.parent_span_id][0], by_id[one.parent_span_id][1].name) for one in ticks}
    assert queued_by == {("beat", "publish channels.tasks.tick")}
    asked = {headers["authorization"] for path, headers, _ in run.collector.heard if path == "/v1/traces"}
    assert asked == {"Bearer mine"}


@pytest.mark.redis
def test_nothing_of_what_was_asked_leaves_the_portal(run: Run) -> None:
    events = run.collector.events()
    assert {event["logger"].split(".")[0] for event in events} >= {"django", "zenvoices", "celery"}
    frames = [
        frame
        for event in events
        for one in event.get("exception", {}).get("values", [])
        for frame in one["stacktrace"]["frames"]
    ]
    assert {key for frame in frames for key in frame} == {
        "filename",
        "abs_path",
        "module",
        "function",
        "lineno",
        "in_app",
    }
    sent = [body.decode(errors="replace") for _, _, body in run.collector.heard]
    assert [body for body in (*sent, *chain(*run.lines.values())) if CANARY in body] == []


SECRET_IN_LOCALS = f"""
def sign_in(password):
    raise ValueError("refused: " + password)
sign_in("{CANARY}")
"""


def test_secret_in_a_local_or_in_the_words_of_an_exception_does_not_reach_sentry(tmp_path: Path) -> None:
    with collector() as heard:
        portal = Portal(tmp_path, "", extra={"SENTRY_DSN": heard.dsn})
        code = as_itself(portal, "manage", "shell", "--no-imports", "-c", SECRET_IN_LOCALS, log="log").wait(PATIENCE)
    (event,) = heard.events()
    (exception,) = event["exception"]["values"]
    last = exception["stacktrace"]["frames"][-1]
    assert (code, event["message"], exception["type"], last["function"]) == (
        1, "uncaught exception", "ValueError", "sign_in"
    )  # fmt: skip
    assert [body for _, _, body in heard.heard if CANARY.encode() in body] == []


LOADED = """
import redis, sys, zenvoices.wsgi, zenvoices.celery
print(sorted({name.split(".")[0] for name, one in sys.modules.items() if one} & {"sentry_sdk", "opentelemetry"}))
"""


def test_without_the_settings_neither_is_loaded_not_even_by_redis(tmp_path: Path) -> None:
    portal = Portal(tmp_path, "", extra={"DJANGO_SETTINGS_MODULE": "zenvoices.settings"})
    words = [sys.executable, "-c", f"import zenvoices.settings{LOADED}"]
    said = subprocess.run(words, cwd=ROOT, env=portal.environment(), capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
