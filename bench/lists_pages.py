"""The pages of a big office, by name: who asks, and where."""

from __future__ import annotations

from typing import Final

from django.test import Client
from django.urls import reverse

import tests.clients  # noqa: F401 -- teaches Django's client our cookie
from administrations.models import User
from bench.lists_seed import HALF, LONG_AGO, ONCE, THOUSANDTH, Office
from documents.models import Document
from documents.sorting import Place, Sort
from zenvoices.lib.scoping import administration_scope

Page = tuple[Client, str]
#: of the list of documents
_ASKED: Final = {
    "as it opens": "",
    "all": "state=all",
    "done": "state=done",
    "by date": "state=all&sort=date",
    "by supplier": "state=all&sort=supplier",
    "by amount": "state=all&sort=amount",
    "a channel": "state=all&channel={channel}",
    "uploads": "state=all&channel=upload",
    "kind body, of which there is none": "kind=body",
    "a sender": "sender=lev77",
    "a sender that is none": "sender=niemand",
    "since": "since=2026-11-01",
    "until, a year ago": "until=2025-11-27",
    "possible duplicates": "duplicates=on",
    "to look at twice": "warned=on",
    "a word in half of them": f"q={HALF}",
    "a word in half of them, by amount": f"q={HALF}&sort=amount",
    "a word of long ago": f"q={LONG_AGO}",
    "a word in one of a thousand": f"q={THOUSANDTH}",
    "a word in one": f"q={ONCE}",
    "a word in none": "q=onvindbaarwoord",
    "a supplier": "q=leverancier+77",
    "a number": "q=RE-2026/4711",
    "part of a word": "q=wagenwi",
    "two letters": "q=zz",
    "a word, done, of a channel": f"q={THOUSANDTH}&state=done&channel={{channel}}",
}
_OF_ADMINISTRATION: Final = (
    "channels", "administration-people", "administration-invite", "administration-activity", "retention",
    "missing-invoices", "documents-filters", "administration-settings",
)  # fmt: skip
_OF_OFFICE: Final = (
    "office", "environment-channels", "environment-administrations", "environment-people", "environment-invite",
    "environment-activity", "environment-sessions", "erasures",
)  # fmt: skip


def pages(office: Office) -> dict[str, Page]:
    anna, bert, arie = (_signed_in(person) for person in (office.anna, office.bert, office.arie))
    home = reverse("documents", args=[office.big.pk])
    query = {name: asked.format(channel=office.channel.pk) for name, asked in _ASKED.items()}
    found = {f"documents, {name}": (bert, f"{home}?{asked}") for name, asked in query.items()}
    found |= {f"documents, deep, by {sort.label}": (bert, _deep(office, sort)) for sort in Sort}
    found |= {"documents of an Aanleveraar": (arie, home)}
    found |= {f"all found, {name}": (bert, f"{home}found/?{query[name]}&before=9999999999999999")
              for name in ("a word in half of them", "a word of long ago", "a word in one of a thousand")}  # fmt: skip
    behind = f"{query['a word in half of them']}&behind={_middle(office, Sort.ARRIVAL)}"
    found |= {"documents, behind a line": (bert, f"{home}?{behind}")}
    found |= {"all found, behind a line": (bert, f"{home}found/?{behind}&before=9999999999999999")}
    found |= {f"news, {name}": (bert, f"{home}news/?{query[name]}&after=1790000000000000")
              for name in ("as it opens", "a word in one")}  # fmt: skip
    found |= {name: (bert, reverse(name, args=[office.big.pk])) for name in _OF_ADMINISTRATION}
    found |= {name: (anna, reverse(name, args=[office.environment.pk])) for name in _OF_OFFICE}
    found |= {
        "environment-person": (anna, reverse("environment-person", args=[office.environment.pk, office.bert.pk])),
        "environment-channels, words": (anna, f"{found['environment-channels'][1]}?q=kanaal+77"),
        "office, words": (anna, f"{found['office'][1]}?q=klant+77"),
        "logbook": (bert, reverse("logbook", args=[office.big.pk, office.channel.pk])),
        "logbook, words": (bert, reverse("logbook", args=[office.big.pk, office.channel.pk]) + "?q=niets"),
        "channel": (bert, reverse("channel", args=[office.big.pk, office.channel.pk])),
        "notifications": (anna, reverse("notifications")),
        "switch": (anna, reverse("switch-administration") + "?q=klant"),
    }
    with administration_scope(office.big.pk):
        document = Document.objects.filter(duplicate_of=None).order_by("-received_at")[20]
    return found | {"document": (bert, reverse("document", args=[office.big.pk, document.pk]))}


def _signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def _deep(office: Office, sort: Sort) -> str:
    home = reverse("documents", args=[office.big.pk])
    return f"{home}?state=all&sort={sort.value}&older={_middle(office, sort)}"


def _middle(office: Office, sort: Sort) -> Place:
    """Of the list."""
    column = {
        Sort.ARRIVAL: "-received_at",
        Sort.DATE: "-sort_date",
        Sort.SUPPLIER: "sort_name",
        Sort.AMOUNT: "-sort_amount",
    }
    with administration_scope(office.big.pk):
        rows = Document.objects.order_by(column[sort])
        return Place.of(rows[rows.count() // 2], sort)
