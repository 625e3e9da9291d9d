"""Why a secure line does not come about, with real certificates and OpenSSL on both ends."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.servers.certificates import TO_COME, Certificate, Certificates
from tests.servers.scripted import Peer, ScriptedServer
from zenvoices.lib import net
from zenvoices.lib.net import tls_failures

pytestmark = pytest.mark.thorough

Changed = Callable[[ssl.SSLContext], None]


@pytest.fixture
def refused(certificates: Certificates) -> Iterator[Callable[..., net.NetError]]:
    """How a server with this certificate fails, in the handshake or at the first byte."""
    with ExitStack() as stack:

        def refused(
            certificate: Certificate, change: Changed = lambda _: None, ca_file: str | None = ""
        ) -> net.NetError:
            def script(peer: Peer) -> None:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.set_ciphers("ALL:@SECLEVEL=0")  # it lets itself be as weak as it is
                change(context)
                context.load_cert_chain(certificate.chain, certificate.key)
                peer._sock = context.wrap_socket(peer._sock, server_side=True)
                peer.say(b"* OK ready")
                peer.hang()

            server = ScriptedServer(script).start()
            stack.callback(server.stop)
            addresses = net.resolve("localhost", server.port, allow_private=True)
            connection = net.connect(addresses)
            stack.callback(connection.close)
            try:
                connection.start_tls("localhost", str(certificates.ca_file) if ca_file == "" else ca_file)
                connection.reader.readline()
            except net.NetError as error:
                return error
            pytest.fail("the server was believed")

        yield refused


@pytest.fixture(autouse=True)
def nobody_told_the_time() -> Iterator[None]:
    net.clock._heard.clear()
    yield
    net.clock._heard.clear()


@pytest.mark.parametrize(
    ("which", "code", "detail"),
    [
        ("expired", "certificate_expired", {}),
        ("not_yet_valid", "certificate_not_yet_valid", {"since": "2060-05-01T00:00:00+00:00"}),
        ("other_name", "certificate_other_name", {"names": "mail.other.test"}),
        ("many_names", "certificate_other_name", {"names": "a.other.test, b.other.test, c.other.test, …"}),
        ("without_issuer", "certificate_incomplete", {}),
        ("self_signed", "certificate_not_trusted", {}),
        ("weak", "certificate_weak", {}),
    ],
)
def test_certificate_is_refused_for_what_is_wrong_with_it(
    refused: Callable[..., net.NetError], certificates: Certificates, which: str, code: str, detail: dict[str, str]
) -> None:
    error = refused(getattr(certificates, which))
    assert (error.code, error.detail) == (code, detail)


def old_version(context: ssl.SSLContext) -> None:
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1


def old_ciphers(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA:@SECLEVEL=0")


@pytest.mark.parametrize(("change", "code"), [(old_version, "tls_version_old"), (old_ciphers, "tls_ciphers_old")])
def test_server_that_is_too_old_is_called_so(
    refused: Callable[..., net.NetError], certificates: Certificates, change: Changed, code: str
) -> None:
    assert refused(certificates.good, change).code == code


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_certificate_of_ours_that_is_wanted_is_no_lost_line(
    refused: Callable[..., net.NetError], certificates: Certificates, version: ssl.TLSVersion
) -> None:
    def change(context: ssl.SSLContext) -> None:
        context.maximum_version = version
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificates.ca_file)

    assert refused(certificates.good, change).code == "client_certificate_wanted"


def test_store_without_any_authority_is_ours(
    refused: Callable[..., net.NetError], certificates: Certificates, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    empty = tmp_path / "certificates"
    empty.mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(empty))
    net.tls_context.cache_clear()
    code = refused(certificates.good, ca_file=None).code
    net.tls_context.cache_clear()
    assert code == "ca_store_empty"


# --- Whose clock ---------------------------------------------------------------------------------------------------


def test_certificate_is_not_to_blame_when_others_say_that_our_clock_is_wrong(
    refused: Callable[..., net.NetError], certificates: Certificates
) -> None:
    net.clock.heard(format_datetime(TO_COME.replace(month=6), usegmt=True))
    assert refused(certificates.not_yet_valid).code == "clock_wrong"
    assert refused(certificates.expired).code == "certificate_expired"


@pytest.mark.parametrize(("end", "code"), [(1, "clock_wrong"), (-1, "certificate_expired")])
def test_certificate_that_only_we_call_expired_is_not(monkeypatch: pytest.MonkeyPatch, end: int, code: str) -> None:
    """Our clock is a year ahead, and another says what time it is."""
    real = net.clock.now()
    ahead = SimpleNamespace(time=lambda: real + 31_536_000, monotonic=time.monotonic)
    monkeypatch.setattr(net.clock, "time", ahead)
    net.clock.heard(format_datetime(datetime.fromtimestamp(real, UTC), usegmt=True))
    not_after = datetime.fromtimestamp(real + end * 86_400, UTC).strftime("%b %d %H:%M:%S %Y GMT")
    refused = tls_failures._certificate_refused(tls_failures._EXPIRED, [{"notAfter": not_after}], net.tls_context())
    assert refused.code == code


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_what_is_no_date_says_nothing_of_the_time(date: str | None) -> None:
    net.clock.heard(date)
    assert net.clock._heard == []


@pytest.mark.proof
def test_clock_that_stands_before_this_code_was_written_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    written = net.clock.now()
    monkeypatch.setattr(net.clock, "time", SimpleNamespace(time=lambda: 0.0, monotonic=time.monotonic))
    assert 0.0 < net.clock.now() <= written
