"""The subject of an e-mail about a channel has the channel's whole name and what is the matter."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone, translation

from administrations.models import User
from channels import notices, reminders
from channels.errors import CODES
from channels.models import Channel
from channels.words import notices as words
from channels.words import phrases
from channels.words.notices import Kind
from channels.words.sentences import Reader
from notifications import tasks
from tests.cast import Cast
from tests.channels.test_health import REFUSED, channel_in, finish
from zenvoices.lib.scoping import administration_scope

pytestmark = pytest.mark.thorough

NAME = "Facturen J. de Vries: 2026. Rest"


@pytest.fixture
def channel(cast: Cast) -> Channel:
    made = channel_in(cast.bakery)
    with administration_scope(cast.bakery.pk):
        Channel.objects.filter(pk=made.pk).update(name=NAME)
        made.refresh_from_db()
    User.objects.filter(pk=cast.bert.pk).update(language="en")
    return made


def posted() -> set[tuple[str, str]]:
    mail.outbox.clear()
    tasks.send_emails()
    return {
        (one.to[0].split("@")[0], one.subject) for one in mail.outbox if one.to[0].split("@")[0] in ("gerda", "bert")
    }


def test_inactive_channel_is_named_whole_with_its_cause(channel: Channel) -> None:
    for _ in range(5):
        finish(channel, REFUSED)
    assert {
        ("gerda", f"Kanaal {NAME} is inactief: de server kent deze gebruikersnaam of dit wachtwoord niet"
         " · Bakkerij De Vries"),
        ("bert", f"Channel {NAME} is inactive: the server does not know this username or password"
         " · Bakkerij De Vries"),
    } <= posted()  # fmt: skip


def test_channel_that_works_again_is_named_whole(channel: Channel) -> None:
    for _ in range(5):
        finish(channel, REFUSED)
    tasks.send_emails()
    with administration_scope(channel.administration_id):
        notices.tell(channel, Kind.RECOVERED, "again")
    assert posted() == {
        ("gerda", f"Kanaal {NAME} werkt weer · Bakkerij De Vries"),
        ("bert", f"Channel {NAME} works again · Bakkerij De Vries"),
    }


def test_longest_name_is_not_cut(channel: Channel) -> None:
    with administration_scope(channel.administration_id):
        Channel.objects.filter(pk=channel.pk).update(name="F. " * 39 + "abc")
        channel.refresh_from_db()
        notices.tell(channel, Kind.ATTENTION, "now")
    assert [subject for who, subject in posted() if who == "gerda" and f"Kanaal {channel.name} vraagt" in subject]


def test_secret_that_ends_is_a_subject_of_its_own(channel: Channel) -> None:
    with administration_scope(channel.administration_id):
        reminders.tell_secret_expires(channel, timezone.localdate() + timedelta(days=7), 7, 7)
    assert ("bert", f"Channel {NAME}: replace the client secret · Bakkerij De Vries") in posted()


def test_link_that_ends_is_a_subject_of_its_own(channel: Channel) -> None:
    with administration_scope(channel.administration_id):
        reminders.tell_link_ends(channel, timezone.now() + timedelta(days=2))
    assert ("gerda", f"Kanaal {NAME}: de koppeling eindigt binnenkort · Bakkerij De Vries") in posted()


KINDS = ["channel_deactivated", "channel_needs_attention", "channel_fetches_nothing"]


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("code", sorted(CODES))
def test_every_cause_reads_on_after_the_colon(code: str, kind: str, language: str) -> None:
    channel = Channel(name=NAME, host="mail.devries.nl", port=993, username="jan", auth="google", error_code=code)
    with translation.override(language):
        subject = words.subject(channel, kind)
        text = phrases.about(channel, code, reader=Reader.HOLDER).text
    head, _, cause = subject.rpartition(": ")
    assert head.startswith(("Kanaal " if language == "nl" else "Channel ") + NAME)
    assert not subject.endswith(".")
    assert text.removesuffix(".").lower().endswith(cause.lower())
    first = cause.split(" ")[0]
    assert first[0].islower() or first in {"Google", "Microsoft", "Exchange", "Gmail", "IMAP", "POP3"}
