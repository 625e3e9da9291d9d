"""Why a secure line did not come about: from OpenSSL's reasons, and from the certificates that the server showed."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from zenvoices.lib.net import clock
from zenvoices.lib.net.watch import NetError

# X509_V_ERR_… of openssl/x509_vfy.h
_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_OTHER_NAME: Final = frozenset({62, 64})
_WEAK: Final = frozenset({66, 67, 68})
_NO_ISSUER: Final = frozenset({2, 20, 21})

_PLAIN_TEXT_ANSWERS: Final = frozenset(
    {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST"}
)
_OLD_VERSION: Final = frozenset({"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE"})
_HANDSHAKE_REFUSED: Final = "SSLV3_ALERT_HANDSHAKE_FAILURE"
_OLD_CIPHERS: Final = frozenset(
    {
        *(_HANDSHAKE_REFUSED, "TLSV1_ALERT_INSUFFICIENT_SECURITY", "DH_KEY_TOO_SMALL", "BAD_DH_VALUE"),
        *("WRONG_CIPHER_RETURNED", "UNKNOWN_CIPHER_RETURNED", "WRONG_SIGNATURE_TYPE", "WRONG_CURVE"),
        *("UNSAFE_LEGACY_RENEGOTIATION_DISABLED", "LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED"),
    }
)
#: alerts about a certificate of ours, where we have none
_CLIENT_CERTIFICATE: Final = frozenset(
    {
        *("TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_CERTIFICATE_UNKNOWN"),
        *("SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "TLSV1_ALERT_ACCESS_DENIED"),
    }
)
#: how a peer that hangs up looks, by the version of Python and OpenSSL
_HUNG_UP: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
_NAMES_SHOWN: Final = 3
_LONGEST_NAME: Final = 60

Facts = dict[str, Any]  # of one certificate, as SSLSocket.getpeercert() gives them


def handshake_failure(error: OSError, tls: ssl.SSLSocket) -> NetError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_refused(error.verify_code, _shown(tls), tls.context)
    if isinstance(error, TimeoutError):
        return NetError("server_silent")
    if not isinstance(error, ssl.SSLError) or isinstance(error, _HUNG_UP):
        return NetError("connection_lost")
    if error.reason in _PLAIN_TEXT_ANSWERS:
        return NetError("tls_expected")
    if error.reason in _OLD_VERSION:
        return NetError("tls_version_old")
    # TLS 1.2 has one alert for both: before its own certificate the server found no cipher, after it none of ours.
    if error.reason in _CLIENT_CERTIFICATE or (error.reason == _HANDSHAKE_REFUSED and _shown(tls)):
        return NetError("client_certificate_wanted")
    return NetError("tls_ciphers_old" if error.reason in _OLD_CIPHERS else "tls_failed")


def line_failure(error: OSError) -> NetError:
    """After the handshake: in TLS 1.3 the server looks for our certificate only then (RFC 8446 4.4.2.4)."""
    wanted = isinstance(error, ssl.SSLError) and error.reason in _CLIENT_CERTIFICATE
    return NetError("client_certificate_wanted" if wanted else "connection_lost")


def _certificate_refused(code: int, shown: Sequence[Facts], context: ssl.SSLContext) -> NetError:
    if code == _NOT_YET_VALID:
        since = max(_times(shown, "notBefore"), default=0.0)
        moment = datetime.fromtimestamp(since, UTC).isoformat()
        return NetError("clock_wrong") if clock.now() >= since else NetError("certificate_not_yet_valid", since=moment)
    if code == _EXPIRED:
        return NetError(
            "clock_wrong" if clock.now() < min(_times(shown, "notAfter"), default=0.0) else "certificate_expired"
        )
    if code in _OTHER_NAME:
        names = _names(shown[0]) if shown else ""
        return NetError("certificate_other_name", names=names) if names else NetError("certificate_other_name")
    if code in _WEAK:
        return NetError("certificate_weak")
    if _knows_no_issuer(context):
        return NetError("ca_store_empty")
    return NetError("certificate_incomplete" if code in _NO_ISSUER and len(shown) == 1 else "certificate_not_trusted")


def _shown(tls: ssl.SSLSocket) -> list[Facts]:
    """The server's certificates, its own first; unverified. [] when it came to none.

    SSLSocket.get_unverified_chain() is public since Python 3.13, and gives bytes that we would have to take apart.
    """
    chain = tls._sslobj.get_unverified_chain() if tls._sslobj else None  # type: ignore[attr-defined]
    return [certificate.get_info() for certificate in chain or ()]


def _times(shown: Sequence[Facts], name: str) -> Iterator[float]:
    return (float(ssl.cert_time_to_seconds(facts[name])) for facts in shown if name in facts)


def _names(facts: Facts) -> str:
    """Whose certificate it is: three names at most, of what a name is made of."""
    names = [value for kind, value in facts.get("subjectAltName", ()) if kind in ("DNS", "IP Address")]
    names = names or [value for part in facts.get("subject", ()) for kind, value in part if kind == "commonName"]
    clean = [re.sub(r"[^\w.*:-]", "", name, flags=re.ASCII)[:_LONGEST_NAME] for name in names]
    more = ["…"] if len(clean) > _NAMES_SHOWN else []
    return ", ".join([*clean[:_NAMES_SHOWN], *more])


def _knows_no_issuer(context: ssl.SSLContext) -> bool:
    """No certificate of an authority was loaded, nor lies where OpenSSL looks for one when it needs it."""
    directory = ssl.get_default_verify_paths().capath
    return not context.cert_store_stats()["x509_ca"] and not (directory and os.listdir(directory))
