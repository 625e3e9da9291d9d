"""What Google and Microsoft refuse: while a channel runs, on the way back from them, and to who holds a link."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from channels import services
from channels.models import Channel
from channels.words.sentences import Moment, Reader
from tests.cast import Cast
from tests.faults import linked
from tests.faults.internet import Internet
from tests.faults.linked import NAMES, answer_token, draft, open_providers, refusal
from tests.faults.moments import LANGUAGES, Walk, plain
from tests.faults.table import sample
from tests.faults.web import Web

pytestmark = [pytest.mark.slow, pytest.mark.proof]

OUR_OWN = {"Sec-Fetch-Site": "same-origin"}
#: what the holder of a link can do about what is not the mailbox's owner's, by whose it is
BY_HOLDER = {
    "manager": {"en": "Tell the office that sent you this link", "nl": "Meld dit aan het kantoor"},
    "server": {"en": "Tell the office that sent you this link", "nl": "Meld dit aan het kantoor"},
    "it": {"en": "administrator.*open this link again|Tell the office", "nl": "beheerder.*deze link|Meld dit aan"},
}


class Refusal(NamedTuple):
    auth: str
    stage: str
    word: str
    told: str
    family: str

    def __str__(self) -> str:
        return f"{self.auth} {self.stage} {self.word} {self.told}"

    @property
    def detail(self) -> dict[str, str]:
        return {"provider": NAMES[self.auth], "reason": f"AADSTS{self.told}" if self.auth == "entra" else self.word}


with (Path(__file__).parent / "providers.tsv").open(encoding="utf-8") as file:
    TABLE = [Refusal(*row) for row in csv.reader(file, "excel-tab")][1:]
RENEWED = [fault for fault in TABLE if fault.stage in ("renew", "app")]
RETURNED = [fault for fault in TABLE if fault.stage in ("callback", "exchange")]


@pytest.mark.parametrize("fault", sample(RENEWED), ids=str)
def test_refused_renewal_is_told_alike_everywhere(cast: Cast, internet: Internet, web: Web, fault: Refusal) -> None:
    open_providers(internet, web)
    answer_token(web, fault.auth, refusal(fault.auth, fault.word, fault.told))
    channel = linked.linked(cast, fault.auth, lives=False, app_only=fault.stage == "app")
    walk_link(Walk(cast, fault.family), channel)


def walk_link(walk: Walk, channel: Channel) -> None:
    """The check of the draft, and then five slots of the channel."""
    channel = walk.check_in_form(channel, linked.typed(channel))
    services.activate(channel, walk.cast.bert)
    walk.five_slots(channel)
    walk.finish()


# --- Back from the provider ------------------------------------------------------------------------------


def set_out(client: Client, address: str) -> str:
    """Where the provider is, with what is asked of it."""
    answer = client.get(address, headers=OUR_OWN)
    return str(answer.headers.get("Location", ""))


def come_back(client: Client, auth: str, sent: str, language: str, **answer: str) -> Any:
    state = parse_qs(urlsplit(sent).query)["state"][0]
    query = {"state": state, **answer}
    return client.get(linked.CALLBACKS[auth], query, headers={"Accept-Language": language})


def invited(client: Client, channel: Channel) -> str:
    page = client.post(reverse("channel-consent", args=[channel.administration_id, channel.pk]), {"email": ""})
    found = re.search(r'id="consent-link">https?://[^/]+([^<]+)<', page.content.decode())
    assert found
    return found[1]


@pytest.mark.parametrize("fault", sample(RETURNED), ids=str)
def test_refusal_on_the_way_back_is_told_alike(cast: Cast, internet: Internet, web: Web, fault: Refusal) -> None:
    open_providers(internet, web)
    answer_token(web, fault.auth, refusal(fault.auth, fault.word, fault.told))
    channel, walk = draft(cast, fault.auth), Walk(cast, fault.family)
    said = f"AADSTS{fault.told}: no" if fault.auth == "entra" else fault.told
    answer = {"code": "a-code"} if fault.stage == "exchange" else {"error": fault.word, "error_description": said}
    there_and_back(walk, channel, fault.detail, lambda sent: answer)
    walk.finish()


def there_and_back(
    walk: Walk, channel: Channel, detail: dict[str, str], answer: Callable[[str], dict[str, str]]
) -> None:
    """As who manages the channel, and as who holds a link, in both languages."""
    connect = reverse("channel-connect", args=[channel.administration_id, channel.pk])
    for language in LANGUAGES:
        manager = walk.readers[language]
        sent = set_out(manager, connect)
        came = come_back(manager, channel.auth, sent, language, **answer(sent))
        reads_refusal(walk, channel, detail, came, language, Moment.LINKING, Reader.MANAGER)
        holder = Client()
        sent = set_out(holder, invited(manager, channel) + "/go")
        came = come_back(holder, channel.auth, sent, language, **answer(sent))
        reads_refusal(walk, channel, detail, came, language, Moment.CONSENT, Reader.HOLDER)


def reads_refusal(
    walk: Walk, channel: Channel, detail: dict[str, str], came: Any, language: str, moment: Moment, reader: Reader
) -> None:
    walk.same(came.status_code, 422, f"page {moment}")
    wanted = lambda asked: walk.phrase(channel, detail, moment, asked, reader)  # noqa: E731
    walk.reads(plain(came.content.decode()), wanted, language, f"page {moment}")
    said, family = str(wanted(language)), walk.family
    if reader is Reader.MANAGER:
        walk.steps_fit(wanted(language), moment, language)
    elif family.whose != "owner" and family.kind in ("Credential", "Configuration"):
        walk.must(re.search(BY_HOLDER[family.whose][language], said) is not None, f"holder {language}: {said}")
