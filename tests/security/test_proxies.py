"""The proxies of deploy/, as they are there: valid, holding slow clients off, and saying whose request it is."""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from scripts.components import SEARCH
from tests.portal import ROOT, Portal, stop
from tests.security.web import (
    Web,
    as_the_image_starts_it,
    free_port,
    half_a_body,
    half_a_head,
    is_connected,
    prepared_portal,
    serving,
    wait_until_it_listens,
)
from tests.servers.certificates import Certificates

CLIENTS = 40
NGINX_AROUND = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/portal.conf;
}}
"""


def changed(text: str, **what: str) -> str:
    """Each value stands for its own text, which must be there."""
    for old, new in what.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def nginx(folder: Path, front: int, plain: int, behind: int, certificates: Certificates) -> list[str]:
    conf = changed(
        (ROOT / "deploy" / "nginx.conf").read_text(),
        **{
            "    listen [::]:443 ssl;\n": "",
            "    listen [::]:80;\n": "",
            "listen 443 ssl": f"listen 127.0.0.1:{front} ssl",
            "listen 80": f"listen 127.0.0.1:{plain}",
            "portal.example.nl": "localhost",
            "/etc/ssl/portal/fullchain.pem": str(certificates.good.chain),
            "/etc/ssl/portal/privkey.pem": str(certificates.good.key),
            "127.0.0.1:8000": f"127.0.0.1:{behind}",
        },
    )
    (folder / "portal.conf").write_text(conf)
    user = "user root;\n" if os.geteuid() == 0 else ""  # whom else it says it ignores
    (folder / "nginx.conf").write_text(user + NGINX_AROUND.format(folder=folder))
    program = shutil.which("nginx", path=SEARCH) or ""
    words = [program, "-p", str(folder), "-e", str(folder / "early.log"), "-c", str(folder / "nginx.conf")]
    tested = subprocess.run([*words, "-t"], capture_output=True, text=True, check=False)
    assert (tested.returncode, "warn" in tested.stderr) == (0, False), tested.stderr
    return words


def caddy(folder: Path, front: int, plain: int, behind: int, certificates: Certificates) -> list[str]:
    tls = f"tls {certificates.good.chain} {certificates.good.key}"
    conf = changed(
        (ROOT / "deploy" / "Caddyfile").read_text(),
        **{
            "{\n\tservers {": f"{{\n\tadmin off\n\thttp_port {plain}\n\thttps_port {front}\n\tservers {{",
            "portal.example.nl {": f"https://localhost:{front} {{\n\t{tls}",
            "127.0.0.1:8000 {": f"127.0.0.1:{behind} {{",
        },
    )
    (folder / "Caddyfile").write_text(conf)
    words = [shutil.which("caddy", path=SEARCH) or "", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    tested = subprocess.run([words[0], "validate", *words[1:]], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    return [words[0], "run", *words[1:]]


@contextmanager
def proxy(make: Callable[..., list[str]], folder: Path, *ports: int, certificates: Certificates) -> Iterator[None]:
    words = make(folder, *ports, certificates)
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "proxy.log").open("wb") as out:
        process = subprocess.Popen(words, env=os.environ | home, stdout=out, stderr=out)
    try:
        wait_until_it_listens(ports[0])
        yield
    finally:
        stop(process)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(nginx, marks=[pytest.mark.nginx, pytest.mark.slow]),
        pytest.param(caddy, marks=[pytest.mark.caddy, pytest.mark.slow]),
    ],
    ids=["nginx", "caddy"],
)
def through(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[tuple[Web, Portal]]:
    """A portal that is reached through the proxy only, as the documentation says."""
    folder = tmp_path_factory.mktemp(request.param.__name__)
    front, plain, behind = free_port(), free_port(), free_port()
    url = f"https://localhost:{front}"
    portal = prepared_portal(folder, BASE_URL=url, TRUSTED_PROXY_COUNT="1")
    tls = ssl.create_default_context(cafile=certificates.ca_file)
    with (
        serving(portal, as_the_image_starts_it(behind), behind),
        proxy(request.param, folder, front, plain, behind, certificates=certificates),
    ):
        yield Web(front, tls), portal


@pytest.mark.proof
@pytest.mark.parametrize("attack", [half_a_head, half_a_body])
def test_portal_answers_while_requests_stay_unfinished(
    through: tuple[Web, Portal], attack: Callable[[int], bytes]
) -> None:
    web, _portal = through
    with ExitStack() as stack:
        attackers = [stack.enter_context(web.slow_client(attack(2_000))) for _ in range(CLIENTS)]
        said = web.ask("GET", "/healthz")[0], web.status_of_a_signed_in_page()
        connected = sum(map(is_connected, attackers))
    assert (said, connected) == ((200, 200), CLIENTS)


def test_what_a_stranger_says_of_his_address_and_request_ends_at_the_proxy(through: tuple[Web, Portal]) -> None:
    web, portal = through
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http", "Forwarded": "for=203.0.113.9"}
    status, told, _ = web.ask(
        "GET", "/account/login/", **forged, **{"User-Agent": "forger", "X-Request-ID": "forged-id"}
    )
    lines = [json.loads(line) for line in (portal.folder / "web.log").read_text().splitlines() if "forger" in line]
    said = [(line["address"], line["request"]) for line in lines]
    assert (status, said) == (200, [("127.0.0.1", told["X-Request-ID"])])  # as http it would be led to https for ever
    assert re.fullmatch(r"[0-9a-f]{32}|[0-9a-f-]{36}", told["X-Request-ID"])


def test_metrics_are_not_passed_on(through: tuple[Web, Portal]) -> None:
    assert through[0].ask("GET", "/metrics")[0] == 404


@pytest.mark.parametrize(
    "through", [pytest.param(nginx, marks=[pytest.mark.nginx, pytest.mark.slow])], ids=["nginx"], indirect=True
)
def test_body_that_the_portal_would_refuse_is_refused_by_the_proxy(through: tuple[Web, Portal]) -> None:
    """Caddy says so only when that much has come."""
    head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {settings.REQUEST_MAX_BYTES + 1}\r\n\r\n"
    with through[0].slow_client(head.encode()) as client:
        assert client.recv(12) == b"HTTP/1.1 413"


@pytest.mark.proof
def test_both_proxies_take_what_the_portal_takes() -> None:
    sizes = [(ROOT / "deploy" / name).read_text() for name in ("nginx.conf", "Caddyfile")]
    assert f"client_max_body_size {settings.REQUEST_MAX_BYTES};" in sizes[0]
    assert f"max_size {settings.REQUEST_MAX_BYTES // 1_000_000}MB" in sizes[1]
