"""One fault, gone through every moment in which somebody reads of it: all of them must say the same.

Bert reads Dutch, Anna English; both manage the channel. What is said otherwise than it must is kept in `wrong`, so
that one run of a fault tells everything that is the matter with it.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from io import StringIO
from typing import Any, Final
from unittest import mock

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from administrations.models import User
from channels.errors import CODES, DOUBTFUL
from channels.fetching import runs, upkeep
from channels.fetching.budget import Budget
from channels.models import Channel, FetchRun
from channels.words import phrases
from channels.words.phrases import Phrase
from channels.words.sentences import Moment, Reader
from notifications import operator, operator_mail
from notifications.models import Notification
from notifications.tasks import send_emails
from tests.cast import Cast
from tests.channels.followed import post
from tests.faults.families import FAMILIES, Step
from zenvoices.lib.scoping import administration_scope, every_administration

PASSWORD, USERNAME = "Kanarie-wachtwoord-7741", "facturen@devries.test"
TOKEN, REFRESH, CLIENT_SECRET = "kanarie-toegang-5521", "kanarie-verversing-8812", "kanarie-clientgeheim-3390"
SECRETS: Final = (PASSWORD, TOKEN, REFRESH, CLIENT_SECRET)
LANGUAGES: Final = ("nl", "en")
#: what nobody may read where nothing happens by itself
IDLE: Final = re.compile(r"need not do anything|need to do nothing|hoeft niets te doen", re.IGNORECASE)
#: a list of folders always has this one
_SAID_ANYWAY: Final = {"offered": "INBOX"}
_GAP: Final = "(GAP: {})"


def plain(page: str) -> str:
    """What a person reads of a page, in one line."""
    shown = re.sub(r"<(script|style|template)\b.*?</\1>", " ", page, flags=re.DOTALL)
    text = html.unescape(re.sub(r"<[^>]+>", " ", shown))
    return " ".join(text.split())


class Walk:
    def __init__(self, cast: Cast, family: str) -> None:
        self.cast, self.code, self.family = cast, family, FAMILIES[family]
        self.wrong: list[str] = []
        #: what the sentences are filled with, where it is not what stands at the channel
        self.facts: dict[str, Any] = {}
        #: what is out of order while a fetch is carried out, and only then
        self.broken: Callable[[], AbstractContextManager[Any]] = nullcontext
        self.readers = {"nl": self._reader(cast.bert, "nl"), "en": self._reader(cast.anna, "en")}

    def _reader(self, person: User, language: str) -> Client:
        person.language = language
        person.save(update_fields=["language"])
        client = Client()
        client.force_login(person)
        return client

    # --- What must be said --------------------------------------------------------------------------------

    def must(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.wrong.append(otherwise)

    def finish(self) -> None:
        if self.wrong:
            pytest.fail("\n".join(dict.fromkeys(self.wrong)), pytrace=False)

    def same(self, found: object, wanted: object, where: str) -> None:
        self.must(found == wanted, f"{where}: {found!r}, must be {wanted!r}")

    def phrase(
        self,
        channel: Channel,
        detail: Mapping[str, Any],
        moment: Moment,
        language: str,
        reader: Reader = Reader.MANAGER,
    ) -> Phrase:
        """What channels.words says of this family at this moment; a name that is not filled in is a finding."""
        gaps = {name: _GAP.format(name) for name in phrases._general_words()} | _SAID_ANYWAY
        with translation.override(language):
            with mock.patch.object(phrases, "_general_words", return_value=gaps):
                strict = phrases.about(channel, self.code, self.facts | dict(detail), moment, reader)
            said = phrases.about(channel, self.code, self.facts | dict(detail), moment, reader)
        self.must("GAP:" not in str(strict), f"{moment} {language}: a name is missing: {strict}")
        self.must(moment is Moment.RUNNING or not IDLE.search(str(said)), f"{moment} {language}: {said}")
        return said

    def reads(
        self, text: str, wanted: Callable[[str], Phrase], language: str, where: str, *, idle: bool = False
    ) -> None:
        """`idle`: where "you need not do anything" may stand."""
        (other,) = set(LANGUAGES) - {language}
        said, foreign = wanted(language), wanted(other)
        for part in (said.text, said.next_step):
            self.must(_even(part) in text, f"{where} {language}: misses {part!r}")
        for part in (foreign.text, foreign.next_step):
            self.must(_even(part) not in text, f"{where} {language}: says {part!r}")
        self.must(idle or not IDLE.search(text), f"{where} {language}: nothing to do, it says")
        self.clean(text, where)

    def clean(self, text: str, where: str) -> None:
        for secret in SECRETS:
            self.must(secret not in text, f"{where}: holds {secret}")

    def page(self, language: str, name: str, channel: Channel, *more: Any) -> str:
        answer = self.readers[language].get(reverse(name, args=[channel.administration_id, *more]))
        self.same(answer.status_code, 200, name)
        return plain(answer.content.decode())

    # --- The check of a draft -----------------------------------------------------------------------------

    def check_in_form(self, channel: Channel | None, typed: Mapping[str, str]) -> Channel:
        """Somebody saves the form as active: the check shows where it fails; list and form keep it."""
        for language in LANGUAGES:
            name, ids = ("channel-edit", [channel.pk]) if channel else ("channel-new-email", [])
            address = reverse(name, args=[self.cast.bakery.pk, *ids])
            answer = post(self.readers[language], address, {**typed, "action": "save"})
            self.same(answer.status_code, 200, "form")
            with administration_scope(self.cast.bakery.pk):
                channel = Channel.objects.get()
            self.same((channel.state, channel.error_code), ("draft", self.code), "draft")
            if channel.error_code != self.code:
                return channel
            wanted = self._at(channel, channel.error_detail, Moment.CHECK)
            self.reads(plain(answer.content.decode()), wanted, language, "form")
            self.reads(self.page(language, "channels", channel), wanted, language, "list of drafts")
            self.reads(self.page(language, "channel-edit", channel, channel.pk), wanted, language, "form, later")
            self.steps_fit(wanted(language), Moment.CHECK, language)
        assert channel is not None
        return channel

    def _at(self, channel: Channel, detail: Mapping[str, Any], moment: Moment) -> Callable[[str], Phrase]:
        return lambda language: self.phrase(channel, detail, moment, language)

    def steps_fit(self, said: Phrase, moment: Moment, language: str) -> None:
        """The kind of its next step, whatever its words."""
        stem = self.family.says[("en", "nl").index(language)]
        if moment is Moment.RUNNING or self.family.step not in (Step.WAIT, Step.OPERATOR):
            self.must(re.search(stem, str(said)) is not None, f"{moment} {language}: says no {stem!r}: {said}")

    # --- Five slots ---------------------------------------------------------------------------------------

    def five_slots(self, channel: Channel) -> None:
        for number in range(1, 6):
            run = slot(channel, self.broken)
            send_emails()
            if number == 1:
                self.after_the_first(channel, run)
            self.same((run.error_code, channel.error_code), (self.code, self.code), f"slot {number}")
            if channel.error_code != self.code:
                return
            told = Notification.objects.filter(kind="channel_needs_attention", closed_at=None).exists()
            asks = CODES[self.code].kind.permanent or (self.code in DOUBTFUL and number > 1)
            if number < 5:
                self.same(told, asks, f"needs you after slot {number}")
        counts = self.family.kind in ("Credential", "Configuration", "Transient")
        self.same((channel.state, channel.failures), ("inactive", 5) if counts else ("active", 0), "after five slots")
        self.after_the_fifth(channel)

    def after_the_first(self, channel: Channel, run: FetchRun) -> None:
        known = CODES[self.code]
        self.same((known.kind.__name__.removesuffix("Problem"), known.whose.value), self.family[:2], "class, whose")
        if channel.error_code == self.code:
            self.pages(channel, run, Moment.RUNNING)

    def after_the_fifth(self, channel: Channel) -> None:
        if channel.state == "active":
            self.hours_later(channel)
        else:
            run = FetchRun.objects.filter(channel=channel).latest("queued_at")
            self.pages(channel, run, Moment.STOPPED)
        self.notices(channel)
        self.operator_hears()

    def hours_later(self, channel: Channel) -> None:
        began = timezone.now() - timedelta(hours=7)
        Channel.objects.filter(pk=channel.pk).update(failing_since=began, last_success_at=None)
        channel.refresh_from_db()
        with every_administration():
            upkeep.tell_nothing_fetched()
        told = Notification.objects.filter(kind="channel_fetches_nothing", closed_at=None).count()
        self.same(told, 2, "told of hours without a success")

    def pages(self, channel: Channel, run: FetchRun, moment: Moment) -> None:
        """List, logbook, the run's own page, form and command."""
        wanted, idle = self._at(channel, channel.error_detail, moment), moment is Moment.RUNNING
        for language in LANGUAGES:
            self.steps_fit(wanted(language), moment, language)
            for name, ids in (("channels", []), ("logbook", [channel.pk]), ("run", [channel.pk, run.pk])):
                self.reads(self.page(language, name, channel, *ids), wanted, language, f"{name} {moment}", idle=idle)
            form = self.page(language, "channel-edit", channel, channel.pk)
            self.reads(form, wanted, language, f"form {moment}", idle=idle)
        out = StringIO()
        call_command("channel_status", str(channel.pk), stdout=out)
        error = json.loads(out.getvalue())["error"]
        self.same(error["code"], self.code, "channel_status")
        self.must(wanted("en").text in error["text"], f"channel_status: {error['text']}")
        self.clean(out.getvalue(), "channel_status")

    # --- Who is told --------------------------------------------------------------------------------------

    def notices(self, channel: Channel) -> None:
        send_emails()
        for notice in Notification.objects.filter(subject_id=channel.pk).select_related("user"):
            stopped = notice.kind == "channel_deactivated"
            detail = {name: value for name, value in channel.error_detail.items() if name != "said"}
            for language, text in (("nl", notice.text_nl), ("en", notice.text_en)):
                said = self.phrase(channel, detail, Moment.STOPPED if stopped else Moment.RUNNING, language)
                for part in (said.text, said.next_step):  # a line each
                    self.must(part in text, f"{notice.kind} {language}: {text!r} misses {part!r}")
                self.must(channel.name in text, f"{notice.kind} {language}: names no channel")
                self.must(not stopped or not IDLE.search(text), f"{notice.kind} {language}: {text}")
                self.clean(text, notice.kind)
        self.emails(channel)

    def emails(self, channel: Channel) -> None:
        for person in (self.cast.bert, self.cast.anna):
            letters = [letter for letter in mail.outbox if letter.to == [person.email]]
            for notice in Notification.objects.filter(subject_id=channel.pk, user=person):
                text = notice.text_nl if person.language == "nl" else notice.text_en
                found = [letter for letter in letters if text in letter.body]
                self.must(bool(found), f"no e-mail to {person.email}: {text}")
                self.must(all(channel.name in letter.subject for letter in found), "subject names no channel")
        for letter in mail.outbox:
            self.clean(f"{letter.subject} {letter.body}", "e-mail")

    def operator_hears(self) -> None:
        """Of what only the operator can mend, once, without a word of the customer; of nothing else."""
        ours = self.family.kind == "Our"
        alerts = list(operator.open_alerts())
        self.same([alert.code.partition(":")[0] for alert in alerts], [self.code] if ours else [], "operator")
        operator_mail.send()
        letters = [letter for letter in mail.outbox if letter.to == ["beheer@portal.test"]]
        self.same(len(letters), len(alerts), "e-mails to the operator")
        for text in [text for alert in alerts for text in (alert.text_nl, alert.text_en)]:
            self.must(USERNAME not in text and "…" not in text, f"operator reads {text!r}")
            self.must(any(text in letter.body for letter in letters), f"operator's e-mail misses {text!r}")


def slot(channel: Channel, broken: Callable[[], AbstractContextManager[Any]] = nullcontext) -> FetchRun:
    """One half hour of a channel: its fetch, and what the schedule tells people afterwards."""
    with administration_scope(channel.administration_id):
        run = FetchRun.objects.create(
            administration_id=channel.administration_id, channel=channel, trigger=FetchRun.Trigger.SCHEDULE
        )
        with broken():
            done = runs.perform(run.pk, Budget.until_empty())
        assert done is not None
        channel.refresh_from_db()
    with every_administration():
        upkeep.tell_outages()
        upkeep.tell_nothing_fetched()
    return done


def _even(text: str) -> str:
    return " ".join(text.split())
