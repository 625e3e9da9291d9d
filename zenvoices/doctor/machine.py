"""The machine and its way out: clock, names, TLS, room, and who is told of what is wrong."""

from __future__ import annotations

import os
import shutil
import time
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from channels.auth import clocks
from zenvoices.doctor.parts import Ill
from zenvoices.lib import net

#: seconds that our clock and the database's may differ: a lease lasts FETCH_LEASE_SECONDS on the latter
_SKEW_DATABASE: Final = 10.0
#: seconds for others' clocks, who tell whole seconds: a code for two-factor sign-in counts so long
_SKEW_OTHERS: Final = 30.0
_LEAST_FREE: Final = 1_000_000_000  # bytes: a few of the largest mails at the same time
_LEAST_FILES: Final = 10_000
_TIMEOUT: Final = 5.0
_CLOCK_CURE: Final = "Set the clock of this machine, and let it be kept (timedatectl set-ntp true, or chrony)."


def clock() -> str:
    compared = []
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            before = time.time()
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
            ahead = cursor.fetchone()[0] - (before + time.time()) / 2
        if abs(ahead) > _SKEW_DATABASE:
            raise Ill(f"The database's clock is {ahead:+.0f} s from ours.", f"{_CLOCK_CURE} Or the database's.")
        compared.append("the database")
    for url in (settings.GOOGLE_TOKEN_URI, settings.ENTRA_AUTHORITY_BASE):
        told = clocks.ahead_at(url)
        if told is not None and abs(told) > _SKEW_OTHERS:
            raise Ill(f"{urlsplit(url).hostname} says that our clock is {-told:+.0f} s wrong.", _CLOCK_CURE)
        if told is not None:
            compared.append(str(urlsplit(url).hostname))
    return f"The clock agrees with {', '.join(compared)}." if compared else "Nobody told the time to compare with."


def dns() -> str:
    hosts = {settings.GMAIL_IMAP.rpartition(":")[0], settings.ENTRA_IMAP.rpartition(":")[0]}
    hosts |= {urlsplit(url).hostname or "" for url in (settings.GOOGLE_TOKEN_URI, settings.ENTRA_AUTHORITY_BASE)}
    hosts |= {getattr(settings, "EMAIL_HOST", "") or ""}
    unknown = sorted(host for host in hosts - {""} if _unresolved(host))
    if unknown:
        raise Ill(
            f"No address was found for {', '.join(unknown)}.",
            "Look at the name servers of this machine (/etc/resolv.conf) and whether it may ask them.",
        )
    return f"{len(hosts - {''})} names of mail servers and providers were found."


def _unresolved(host: str) -> bool:
    try:
        net.resolve(host, 993, allow_private=True, timeout=_TIMEOUT)
    except net.NetError:
        return True
    return False


def tls() -> str:
    """To the mail servers of the providers, trusted as a fetch trusts them."""
    places = sorted({settings.GMAIL_IMAP, settings.ENTRA_IMAP})
    failed = [f"{place} ({code})" for place in places if (code := _handshake(place))]
    if failed:
        raise Ill(
            f"No connection with TLS to {', '.join(failed)}.",
            "Let this machine open connections to the ports 993, 995, 143, 110 and 443; name the CA of a firewall that"
            " opens TLS in OUTBOUND_CA_FILE.",
        )
    return f"TLS to {' and '.join(places)} works, and their certificates are trusted."


def _handshake(place: str) -> str:
    """What failed; "" for nothing."""
    host, _, port = place.rpartition(":")
    try:
        addresses = net.resolve(host, int(port), allow_private=True, timeout=_TIMEOUT)
        line = net.connect(addresses, timeout=_TIMEOUT)
        try:
            line.start_tls(host, settings.OUTBOUND_CA_FILE or None)
        finally:
            line.close()
    except net.NetError as problem:
        return problem.code
    return ""


def space() -> str:
    free = shutil.disk_usage(settings.DATA_DIR).free
    disk = os.statvfs(settings.DATA_DIR)
    if free < _LEAST_FREE:
        raise Ill(
            f"Only {free / 1e6:.0f} MB are free in {settings.DATA_DIR}.",
            "Make room: DATA_DIR/previews may be emptied at any time, DATA_DIR/spool while no fetch runs.",
        )
    if disk.f_files and disk.f_favail < _LEAST_FILES:
        raise Ill(
            f"Only {disk.f_favail} more files can be made in {settings.DATA_DIR}.",
            "Remove files, or make the file system anew with more inodes.",
        )
    return f"{free / 1e9:.0f} GB are free in {settings.DATA_DIR}."


def operator() -> str:
    if not settings.OPERATOR_EMAIL:
        raise Ill(
            "Nobody is told of what only the operator can mend.", "Set OPERATOR_EMAIL to an address that is read."
        )
    return f"{settings.OPERATOR_EMAIL} is told of what only the operator can mend."
