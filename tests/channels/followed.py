"""A connection check as a person sees it: asked for in a form, carried out by a worker, followed by the page."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.urls import Resolver404, resolve

from channels import tasks
from channels.checking import open_checks
from channels.links import tokens
from channels.models import ChannelSecret
from zenvoices.lib.scoping import every_administration


def post(client: Client, url: str, typed: dict[str, Any] | None = None, **more: Any) -> Any:
    """Posts, lets the worker do what was asked for, and follows: the answer that the page ends with."""
    return follow(client, client.post(url, typed or {}, **more))


def follow(client: Client, answer: HttpResponse) -> Any:
    work()
    script = "HX-Replace-Url" in answer.headers
    there = answer.headers.get("HX-Replace-Url") or answer.headers.get("Location") or ""
    try:
        follows = resolve(there.partition("?")[0]).url_name == "channel-check"
    except Resolver404:
        follows = False
    return client.get(there, headers={"HX-Request": "true"} if script else {}) if follows else answer


def work() -> None:
    """What waits for a worker of the queue "checks"."""
    with every_administration():
        asked = [(str(each.administration_id), str(each.pk)) for each in open_checks()]
        ended = ChannelSecret.objects.filter(name=tokens.ENDED).values_list("administration_id", "channel_id")
        gone = [(str(administration), str(channel)) for administration, channel in ended]
    for ids in asked:
        tasks.check(*ids)
    for ids in gone:
        tasks.revoke(*ids)
