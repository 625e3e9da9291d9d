"""One cause, six channels of three offices, five half hours: nobody is switched off."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from administrations.models import Administration, Environment
from channels import services
from channels.models import Channel, HostOutage
from notifications import operator
from notifications.models import Notification
from tests.cast import Cast, person
from tests.faults import linked
from tests.faults.internet import Internet
from tests.faults.linked import answer_token, open_providers, refusal, token_server
from tests.faults.moments import CLIENT_SECRET, PASSWORD, slot
from tests.faults.table import sample
from tests.faults.test_mail_words import password_channel
from tests.faults.web import GOOGLE_API, MICROSOFT, Web, html
from tests.servers.scripted import Script, imap
from zenvoices.lib import net
from zenvoices.lib.scoping import administration_scope, every_administration

pytestmark = pytest.mark.slow

HOSTS = [f"mail{number}.company.example" for number in range(6)]
ONE = ["imap.ziggo.nl"] * 6
REFUSED = {"LOGIN": b"{tag} NO [AUTHENTICATIONFAILED] Authentication failed.\r\n"}


@dataclass
class Ground:
    internet: Internet
    web: Web
    settings: Any
    folder: Path

    def all_serve(self, hosts: list[str], script: Script = imap(), *, tls: bool = True, flaw: str = "") -> None:  # noqa: B008
        for host in set(hosts):
            self.internet.serve(host, 993, script, tls=tls, flaw=flaw)


Make = Callable[[Cast, str], Channel]


def password(cast: Cast, host: str) -> Channel:
    fields = password_channel(host=host)
    return services.create_channel(cast.bakery, password=PASSWORD, activate=False, by=None, **fields)


def at(auth: str, **fields: Any) -> Make:
    return lambda cast, host: linked.linked(cast, auth, **fields)


@dataclass(frozen=True)
class Mass:
    """`told`: the operator's alert, or "outage" when the offices are told that the host is down, or nobody."""

    name: str
    told: str
    arrange: Callable[[Ground], object]
    hosts: list[str] = field(default_factory=lambda: ONE)
    make: Make = password
    family: str = "mass fault"

    def __str__(self) -> str:
        return self.name


def ca_file_gone(ground: Ground) -> None:
    ground.all_serve(HOSTS)
    ground.settings.OUTBOUND_CA_FILE = str(ground.folder / "gone.pem")


def portals_secret_expired(ground: Ground) -> None:
    ground.settings.ENTRA_CLIENT_ID, ground.settings.ENTRA_CLIENT_SECRET = linked.CLIENT, CLIENT_SECRET
    open_providers(ground.internet, ground.web)
    answer_token(ground.web, "entra", refusal("entra", "invalid_client", "7000222"))


def proxy_at_discovery(ground: Ground) -> None:
    open_providers(ground.internet, ground.web)
    ground.web.pages[MICROSOFT, "/.well-known/openid-configuration"] = html()


def proxy_at_gmail(ground: Ground) -> None:
    open_providers(ground.internet, ground.web)
    ground.web.pages[GOOGLE_API, ""] = html(403)


def exchange_refuses(ground: Ground) -> None:
    words = b"BAD User is authenticated but not connected."
    open_providers(ground.internet, ground.web, token_server(words, command="SELECT"))


def all_drop_packets(ground: Ground) -> None:
    ground.settings.MAIL_CONNECT_SECONDS = 0.05
    for host in HOSTS:
        ground.internet.drop_packets(host, 993)


TABLE = [
    Mass("our CA store is gone", "ca_store_empty", ca_file_gone, HOSTS),
    Mass("a proxy opens every line", "no_host_works", lambda ground: ground.all_serve(HOSTS, flaw="stranger"), HOSTS),
    Mass("our clock is wrong", "no_host_works", lambda ground: ground.all_serve(HOSTS, flaw="not yet"), HOSTS),
    Mass("our clock is ahead", "no_host_works", lambda ground: ground.all_serve(HOSTS, flaw="expired"), HOSTS),
    Mass("one provider's certificate has expired", "outage", lambda ground: ground.all_serve(ONE, flaw="expired")),
    Mass("one provider's certificate is not valid yet", "outage", lambda ground: ground.all_serve(ONE, flaw="not yet")),
    Mass("one provider refuses every password", "outage", lambda ground: ground.all_serve(ONE, imap(REFUSED))),
    Mass("one provider hangs up", "outage", lambda ground: ground.all_serve(ONE, lambda peer: peer.hang_up())),
    Mass("one provider moved its server", "outage",
         lambda ground: ground.all_serve(ONE, lambda peer: peer.say(b"HTTP/1.1 404 Gone"))),
    Mass("a hotel's page at every port", "no_host_works",
         lambda ground: ground.all_serve(HOSTS, lambda peer: peer.say(b"HTTP/1.1 302 Found")), HOSTS),
    Mass("a firewall drops every packet", "no_host_works", all_drop_packets, HOSTS),
    Mass("name servers are silent", "no_network", lambda ground: ground.internet.silence_name_servers(), HOSTS),
    Mass("name servers know no name", "no_host_works", lambda ground: None, HOSTS),
    Mass("a proxy's page at Microsoft's discovery address", "", proxy_at_discovery, make=at("entra", lives=False)),
    Mass("an HTML 403 at the Gmail API", "", proxy_at_gmail, make=at("google", granted="gmail_modify")),
    Mass("Exchange opens no mailbox", "outage", exchange_refuses, make=at("entra")),
    Mass("the portal's own secret has expired", "portal_registration", portals_secret_expired,
         make=at("entra", lives=False, client_id="", tenant_id="")),
]  # fmt: skip


def six_channels(cast: Cast, fault: Mass) -> list[Channel]:
    """Two for each of three offices."""
    made = []
    for number, host in enumerate(fault.hosts):
        if number % 2 == 0:
            office = Environment.objects.create(name=f"Kantoor {number}")
            office.admins.create(user=person(f"boss{number}@kantoor.test", f"Boss {number}"))
        books = Administration.objects.create(environment=office, name=f"Klant {number}", plan="premium")
        with administration_scope(books.pk):
            channel = fault.make(replace(cast, bakery=books), host)
            services.activate(channel, None)
        made.append(channel)
    return made


@pytest.mark.parametrize("fault", sample(TABLE), ids=str)
def test_one_cause_switches_nobody_off(
    cast: Cast, internet: Internet, web: Web, settings: Any, tmp_path: Path, fault: Mass
) -> None:
    fault.arrange(Ground(internet, web, settings, tmp_path))
    channels = six_channels(cast, fault)
    for _half_hour in range(5):
        for channel in channels:
            slot(channel)
    net.tls_context.cache_clear()
    assert [channel.state for channel in channels] == ["active"] * 6
    with every_administration():
        told = set(Notification.objects.filter(closed_at=None).values_list("kind", flat=True))
        alerts = {re.sub(":.*", "", alert.code) for alert in operator.open_alerts()}
        outage = HostOutage.objects.filter(ended_at=None).exists()
    assert (alerts, outage) == ({fault.told} - {"", "outage"}, fault.told == "outage")
    assert told == ({"provider_outage"} if outage else set())
