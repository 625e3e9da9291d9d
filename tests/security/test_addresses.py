"""Whose address a request has: the peer's, or what as many proxies of ours as are set say of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client, RequestFactory

from administrations.adapters import AccountAdapter
from tests.portal import Portal
from zenvoices.checks import https_needs_a_proxy
from zenvoices.lib.addresses import address_of, network_of

PEER = "10.0.0.1"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, None, PEER),
        (0, "203.0.113.7", PEER),
        (1, None, PEER),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "1.2.3.4, 203.0.113.7", "203.0.113.7"),  # what a stranger sends stands to the left
        (1, " 203.0.113.7 ", "203.0.113.7"),
        (1, "203.0.113.7:51234", "203.0.113.7"),  # Azure's gateways add the port
        (1, "[2001:db8::7]:51234", "2001:db8::7"),
        (1, "2001:DB8::7", "2001:db8::7"),
        (1, "::ffff:203.0.113.7", "203.0.113.7"),
        (1, "unknown", PEER),
        (1, "203.0.113.7, ", PEER),
        (1, "203.0.113.7\x00", PEER),
        (2, "203.0.113.7, 10.1.1.1", "203.0.113.7"),
        (2, "1.2.3.4, 203.0.113.7, 10.1.1.1", "203.0.113.7"),
        (2, "203.0.113.7", PEER),  # passed one of two: not through our front door
    ],
)
def test_address_is_that_before_the_trusted_proxies(
    settings: Any, proxies: int, forwarded: str | None, address: str
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    request = RequestFactory().get("/", REMOTE_ADDR=PEER, **headers)
    assert address_of(request.META) == address
    assert AccountAdapter().get_client_ip(request) == address


@pytest.mark.parametrize(
    ("address", "network"),
    [("203.0.113.7", "203.0.113.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"), ("", "")],
)
def test_limits_count_a_network_of_ipv6_as_one(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("proxies", "headers", "status"),
    [
        (0, {}, 200),
        (0, {"HTTP_X_FORWARDED_FOR": "192.0.2.7"}, 403),
        (0, {"REMOTE_ADDR": "192.0.2.7"}, 403),
        (0, {"REMOTE_ADDR": ""}, 403),
        (1, {}, 403),  # a proxy that forgot to say for whom it asks is on loopback too
        (1, {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 403),
        (1, {"HTTP_AUTHORIZATION": "Bearer a-token"}, 200),
    ],
)
def test_metrics_of_loopback_need_a_token_behind_a_proxy(
    db: None, client: Client, settings: Any, proxies: int, headers: dict[str, str], status: int
) -> None:
    settings.TRUSTED_PROXY_COUNT, settings.METRICS_TOKEN = proxies, "a-token"
    assert client.get("/metrics", **headers).status_code == status


@pytest.mark.parametrize(
    ("base_url", "proxies", "said"),
    [
        ("http://localhost:8000", 0, []),
        ("https://portal.test", 1, []),
        ("https://portal.test", 0, ["zenvoices.W001"]),
    ],
)
def test_https_without_a_proxy_that_is_named_is_told(
    settings: Any, base_url: str, proxies: int, said: list[str]
) -> None:
    settings.BASE_URL, settings.TRUSTED_PROXY_COUNT = base_url, proxies
    assert [message.id for message in https_needs_a_proxy(None)] == said


@pytest.mark.parametrize(("proxies", "secure"), [("0", False), ("1", True)])
def test_scheme_is_believed_of_a_proxy_only(tmp_path: Path, proxies: str, secure: bool) -> None:
    relay = {"EMAIL_URL": "smtp+tls://relay.example:587"}
    portal = Portal(tmp_path, "", extra={"BASE_URL": "https://portal.test", "TRUSTED_PROXY_COUNT": proxies} | relay)
    portal.python(
        "from django.conf import settings\nfrom django.test import RequestFactory\n"
        "told = RequestFactory().get('/', HTTP_X_FORWARDED_PROTO='https').is_secure()\n"
        f"assert (told, settings.SECURE_SSL_REDIRECT) == ({secure}, {secure})"
    )
