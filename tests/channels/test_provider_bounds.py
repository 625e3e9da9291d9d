"""A provider that answers without an end, or with what is no answer, over real lines: it is for later, and soon."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable

import pytest

from channels.auth import clocks, entra, transport
from channels.auth.base import Account, Registration, Tokens
from channels.auth.entra import EntraAuth
from channels.auth.google import GoogleAuth
from channels.errors import ChannelError, Throttled
from tests.servers.certificates import Certificates
from tests.servers.plugin import StartScripted
from tests.servers.scripted import Peer

pytestmark = pytest.mark.thorough

TENANT = "11111111-2222-4333-8444-555555555555"
GRANT = {"access_token": "a", "refresh_token": "r", "expires_in": 3600, "token_type": "Bearer", "scope": "mail"}
START = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#: renews at the port of a server
Renew = Callable[[int], Tokens]


@pytest.fixture(params=["google", "entra"])
def renew(request: pytest.FixtureRequest, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Renew:
    monkeypatch.setattr(entra._Line, "_remembered", {})

    def ask(port: int) -> Tokens:
        base, ca_file = f"https://localhost:{port}", str(certificates.ca_file)
        google = GoogleAuth(f"{base}/auth", f"{base}/token", f"{base}/revoke", ca_file)
        method = google if request.param == "google" else EntraAuth(base, ca_file)
        return method.renew(Registration("id", "secret", TENANT), Account("imap", "jan@acme.test"), Tokens("a", 0, "r"))

    return ask


@pytest.fixture
def in_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no end would take twelve seconds to be given up."""
    monkeypatch.setattr(transport, "REQUEST_SECONDS", 0.3)


@pytest.fixture
def serve(scripted: StartScripted) -> Callable[..., int]:
    """The port of a provider whose token address does this; `directory` is what it says of itself otherwise."""

    def start(answers: Callable[[Peer], None], **directory: str) -> int:
        def script(peer: Peer) -> None:
            asked = peer.hear()
            length = 0
            while header := peer.hear():
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            peer.read(length)
            base = f"https://localhost:{server.port}"
            if b"openid-configuration" in asked:
                peer.send(answer({"token_endpoint": f"{base}/t", "authorization_endpoint": f"{base}/a"} | directory))
            else:
                answers(peer)

        server = scripted(script)
        return server.port

    return start


def answer(body: object, *headers: bytes) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = b"".join(header + b"\r\n" for header in headers)
    return START + lines + b"Content-Length: %d\r\n\r\n" % len(data) + data


def says(*data: bytes) -> Callable[[Peer], None]:
    return lambda peer: [peer.send(piece) for piece in data] and None


def floods(start: bytes, piece: bytes) -> Callable[[Peer], None]:
    def flood(peer: Peer) -> None:
        peer.send(start)
        while True:
            peer.send(piece)

    return flood


def drips(start: bytes, piece: bytes) -> Callable[[Peer], None]:
    def drip(peer: Peer) -> None:
        peer.send(start)
        peer.drip(piece, 0.05)

    return drip


def test_plain_answer_is_taken(renew: Renew, serve: Callable[..., int]) -> None:
    assert renew(serve(says(answer(GRANT)))).access_token == "a"


def test_answer_without_a_length_ends_with_its_line(renew: Renew, serve: Callable[..., int]) -> None:
    body = json.dumps(GRANT).encode()
    assert renew(serve(says(START + b"Connection: close\r\n\r\n" + body))).refresh_token == "r"


ENDLESS = {
    "drips headers": drips(START, b"X: y\r\n"),
    "drips one header": drips(START, b"x"),
    "drips a body": drips(START + b"Content-Length: 100000\r\n\r\n", b" "),
    "drips chunks": drips(START + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "drips trailers": drips(START + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
    "goes on before it begins": floods(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "floods headers": floods(START, b"X: y\r\n"),
    "floods one header": floods(START + b"X: ", b"y" * 65536),
    "floods a body": floods(START + b"Content-Length: 99999999999\r\n\r\n", b" " * 65536),
    "floods until it closes": floods(START + b"\r\n", b" " * 65536),
    "floods chunks": floods(START + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n" * 10000),
    "floods trailers": floods(START + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n" * 10000),
    "silent": lambda peer: peer.hang(),
    "no HTTP": says(b"\x00\xff\r\n\r\n"),
    "half": says(START + b"Content-Length: 100\r\n\r\n{"),
    "compressed": says(
        answer(gzip.compress(json.dumps(GRANT).encode() + b" " * 50_000_000), b"Content-Encoding: gzip")
    ),
    "very deep": says(answer(b"[" * 200_000)),
    "deep": says(answer(b'{"access_token": "a", "x": ' + b"[" * 5000 + b"]" * 5000 + b"}")),
}


@pytest.mark.usefixtures("in_a_moment")
@pytest.mark.parametrize("does", ENDLESS)
def test_answer_without_an_end_or_sense_is_for_later(renew: Renew, serve: Callable[..., int], does: str) -> None:
    assert refusal(renew, serve(ENDLESS[does])).detail["provider"] in ("Google", "Microsoft")


@pytest.mark.parametrize("place", ["http://localhost:{}/t", "https://localhost:{}/t", "http://169.254.169.254/", "//x"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(
    renew: Renew, serve: Callable[..., int], scripted: StartScripted, place: str, status: int
) -> None:
    elsewhere: list[Peer] = []
    port = scripted(elsewhere.append, security="none").port
    head = f"HTTP/1.1 {status} Moved\r\nLocation: {place.format(port)}\r\nContent-Length: 0\r\n\r\n"
    refusal(renew, serve(says(head.encode())))
    assert elsewhere == []


@pytest.mark.parametrize("endpoint", ["token_endpoint", "authorization_endpoint"])
@pytest.mark.parametrize("place", ["http://localhost/t", "file:///etc/passwd", "javascript:alert(1)", "", "/t"])
def test_directory_leads_to_no_place_without_tls(
    certificates: Certificates, serve: Callable[..., int], monkeypatch: pytest.MonkeyPatch, endpoint: str, place: str
) -> None:
    monkeypatch.setattr(entra._Line, "_remembered", {})
    method = EntraAuth(f"https://localhost:{serve(says(b''), **{endpoint: place})}", str(certificates.ca_file))
    with pytest.raises(Throttled):
        method.authorise(
            Registration("id", "secret", TENANT), Account("imap", "jan@acme.test"), "https://portal.test/x"
        )


ODD = {
    "access_token": ["", None, 1, [], {}, "a\r\nb", "\ud800", "\x00", "é"],
    "refresh_token": [1, ["r"], {"r": 1}, "a\r\nb", "\ud800"],
    "scope": [True, {}, 1, ["\x00"], "\ud800"],
    "expires_in": ["", "soon", [], {}, -1, 1.5, 10**30, float("inf"), float("nan"), "²", "9" * 400],
    "refresh_in": [10**400, float("inf")],
    "ext_expires_in": [10**400, float("inf")],
    "refresh_token_expires_in": [10**400, "²"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, odd in ODD.items() for value in odd], ids=repr)
def test_tokens_that_are_none_are_for_later(renew: Renew, serve: Callable[..., int], name: str, value: object) -> None:
    refusal(renew, serve(says(answer(GRANT | {name: value}))))


@pytest.mark.parametrize("number", [10**4000, -1, True, 0])
def test_number_that_microsoft_cannot_mean_is_told_to_nobody(
    certificates: Certificates, serve: Callable[..., int], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(entra._Line, "_remembered", {})
    told = answer({"error": "invalid_grant", "error_codes": [number]})
    method = EntraAuth(f"https://localhost:{serve(says(told))}", str(certificates.ca_file))
    with pytest.raises(ChannelError) as caught:
        method.renew(Registration("id", "secret", TENANT), Account("imap", "jan@acme.test"), Tokens("a", 0, "r"))
    assert (caught.value.code, caught.value.detail["reason"]) == ("link_revoked", "invalid_grant")


@pytest.mark.parametrize("does", ["drips one header", "goes on before it begins", "silent"])
@pytest.mark.proof
def test_time_is_not_waited_for_without_an_end(
    serve: Callable[..., int], monkeypatch: pytest.MonkeyPatch, does: str
) -> None:
    monkeypatch.setattr(clocks, "_SECONDS", 1.0)
    assert clocks.ahead_at(f"https://localhost:{serve(ENDLESS[does])}") is None


def refusal(renew: Renew, port: int) -> ChannelError:
    with pytest.raises(Throttled) as caught:
        renew(port)
    assert (caught.value.code, caught.value.strikes) == ("provider_unavailable", False)
    return caught.value
