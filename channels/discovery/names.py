"""What the DNS says of a domain: MX, SRV and CNAME records, in a bounded time.

Without DNSSEC an answer may be forged: it says where to look, never whom to trust. TLS and the person do that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import dns.exception
import dns.nameserver
import dns.rdatatype
import dns.resolver

from zenvoices.lib.net import NetError, Watch

#: seconds for one question, all name servers and repetitions together
QUESTION_SECONDS: Final = 3.0
#: records of one answer that are looked at
_MOST: Final = 8


class Names:
    """`servers`: "address:port" of name servers; none: those of the machine."""

    def __init__(self, watch: Watch, servers: Sequence[str] = ()) -> None:
        self._watch = watch
        self._resolver = _resolver(servers)
        self._silent = self._resolver is None

    def mail_exchangers(self, domain: str) -> list[str]:
        """The most preferred first."""
        records = sorted(self._ask(domain, "MX"), key=lambda record: record.preference)
        return [name for record in records if (name := _text(record.exchange))]

    def services(self, name: str) -> list[tuple[str, int]]:
        """Hosts and ports of an SRV name (RFC 2782), the most preferred first; a target "." offers nothing."""
        records = sorted(self._ask(name, "SRV"), key=lambda record: (record.priority, -record.weight))
        return [(host, record.port) for record in records if (host := _text(record.target))]

    def alias(self, name: str) -> str:
        """What the name is another name of; "" when it is none."""
        return next((_text(record.target) for record in self._ask(name, "CNAME")), "")

    def _ask(self, name: str, kind: str) -> list[Any]:
        """[] whatever went wrong. After one question without any answer none is asked again: nobody waits twice."""
        if self._silent or self._resolver is None:
            return []
        try:
            seconds = self._watch.allowance(QUESTION_SECONDS)
            answer = self._resolver.resolve(f"{name}.", kind, lifetime=seconds, search=False)
        except dns.resolver.LifetimeTimeout:
            self._silent = True
        except (dns.exception.DNSException, OSError, NetError, UnicodeError):
            pass
        else:
            return list(answer)[:_MOST]
        return []


def _resolver(servers: Sequence[str]) -> dns.resolver.Resolver | None:
    """None on a machine that has no name servers."""
    try:
        resolver = dns.resolver.Resolver(configure=not servers)
    except dns.resolver.NoResolverConfiguration:
        return None
    if servers:
        places = [server.rpartition(":") for server in servers]
        resolver.nameservers = [dns.nameserver.Do53Nameserver(host.strip("[]"), int(port)) for host, _, port in places]
    return resolver


def _text(name: Any) -> str:
    """Lower case, without the final dot; "" for the root."""
    return str(name.to_text(omit_final_dot=True)).lower().rstrip(".")
