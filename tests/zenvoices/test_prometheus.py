"""The rules and the board in deploy/ go by figures that /metrics has, and each alert leads to what to do."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from channels.models import FailingStep, TickTally
from notifications import operator
from notifications.models import OutgoingMail
from scripts.bootstrap import ROOT
from scripts.components import SEARCH
from tests.cast import Cast
from tests.channels.rows import make_channel
from tests.servers.plugin import missing
from tests.servers.redis import redis_server

RULES = ROOT / "deploy" / "prometheus"
BOARD = json.loads((ROOT / "deploy" / "grafana" / "zenvoices.json").read_text())
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
METRIC = re.compile(r"zenvoices_\w+")
SELECTOR = re.compile(r"(zenvoices_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
BY = re.compile(r"\bby \(([^)]+)\)")
SHOWN = re.compile(r"\{\{ ?(?:\$labels\.)?([a-z]+) ?\}\}")


def loaded(name: str) -> Any:
    return yaml.safe_load((RULES / name).read_text())


ALERTS = [rule for group in loaded("rules.yml")["groups"] for rule in group["rules"]]
NAMES = [alert["alert"] for alert in ALERTS]


@pytest.fixture
def text(cast: Cast, client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """/metrics of a portal in which everything that has a figure is there."""
    now = timezone.now()
    make_channel(cast.bakery, error_code="connect_timeout")
    TickTally.objects.create(pk=TickTally.ONLY, last_at=now, runs_counted_to=now)
    FailingStep.objects.create(name="purge", problem="KeyError")
    OutgoingMail.objects.create(pk=1, last_sent_at=now, last_failed_at=now, failing_since=now, reason="timeout")
    operator.tell("disk_full", text_nl="De schijf is vol.", text_en="The disk is full.")
    settings.GOOGLE_CLIENT_ID, settings.GOOGLE_CLIENT_SECRET = "id", "secret"
    settings.GOOGLE_CLIENT_SECRET_EXPIRES_ON = timezone.localdate() + timedelta(days=12)
    with redis_server() as broker:
        settings.REDIS_URL = broker.url
        monkeypatch.setattr("celery.current_app.conf.broker_url", broker.url.replace("unix", "redis+socket"))
        yield client.get("/metrics").text


@pytest.mark.redis
def test_rules_board_and_documentation_name_figures_that_metrics_has(text: str) -> None:
    had = set(re.findall(r"^(zenvoices_\w+)", text, re.MULTILINE))
    targets = [target for panel in BOARD["panels"] for target in panel["targets"]]
    asked = {target["expr"]: target.get("legendFormat", "") for target in targets}
    asked |= {alert["expr"]: alert["annotations"]["summary"] for alert in ALERTS}
    assert {name for expr in asked for name in METRIC.findall(expr)} - had == set()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    for expr, shown in asked.items():
        check_labels(expr, shown, samples)
    table = OPERATIONS.split("| figure of `/metrics` |")[1].split("\n\n")[0]
    assert set(METRIC.findall(table)) == had


def check_labels(expr: str, shown: str, samples: list[Sample]) -> None:
    """One that is misspelt is no fault to Prometheus: the alert never fires, the panel stays empty."""
    had: set[str] = set()
    for name, matchers in SELECTOR.findall(expr):
        found = [one.labels for one in samples if one.name == name and matches(one.labels, MATCHER.findall(matchers))]
        assert found, (name, matchers)
        had.update(*found)
    by = {label.strip() for labels in BY.findall(expr) for label in labels.split(",")}
    assert by | set(SHOWN.findall(shown)) <= had, expr


def matches(labels: dict[str, str], matchers: list[tuple[str, str, str]]) -> bool:
    """As Prometheus does, but for a label that is not there at all."""
    return all(
        label in labels
        and bool(re.fullmatch(value if "~" in how else re.escape(value), labels[label])) == (how[0] == "=")
        for label, how, value in matchers
    )


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_alert_says_how_bad_it_is_and_what_to_do(alert: dict[str, Any]) -> None:
    name = alert["alert"]
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert set(alert["annotations"]) == {"summary", "do", "runbook"}
    assert alert["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"
    assert f'| <a id="{name.lower()}"></a>`{name}` | {alert["labels"]["severity"]} |' in OPERATIONS


def test_documentation_names_no_other_alert() -> None:
    assert re.findall(r"`(Zenvoices[A-Z]\w+)`", OPERATIONS) == NAMES


def test_each_alert_is_tried_where_it_fires_and_where_it_does_not() -> None:
    tried = [test["name"] for test in loaded("rules_test.yml")["tests"]]
    assert tried == [f"{name} {how}" for name in NAMES for how in ("fires", "does not fire")]


def test_board_has_no_two_panels_in_one_place() -> None:
    places = [
        (x, y)
        for panel in BOARD["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(places) == len(set(places))
    assert max(x for x, _ in places) < 24


def promtool(*words: str, given: str = "") -> None:
    program = shutil.which("promtool", path=SEARCH)
    if program is None:
        missing("promtool")
    done = subprocess.run([program, *words], cwd=RULES, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.promtool
@pytest.mark.parametrize(
    "words",
    [
        ("check", "rules", "rules.yml"),
        ("check", "config", "--syntax-only", "scrape.yml"),
        ("test", "rules", "rules_test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_takes_the_rules(words: tuple[str, ...]) -> None:
    promtool(*words)


@pytest.mark.promtool
def test_promtool_takes_each_expression_of_the_board(tmp_path: Path) -> None:
    exprs = [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]
    rules = [{"record": f"board:{number}", "expr": expr} for number, expr in enumerate(exprs)]
    (tmp_path / "board.yml").write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": rules}]}))
    promtool("check", "rules", str(tmp_path / "board.yml"))


@pytest.mark.promtool
@pytest.mark.redis
def test_promtool_takes_the_figures(text: str) -> None:
    in_days = "zenvoices_registration_days_left"  # promtool wants seconds; the name is older, and people count days
    promtool("check", "metrics", given="".join(line for line in text.splitlines(True) if in_days not in line))
