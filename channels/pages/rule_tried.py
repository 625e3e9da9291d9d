"""What a rule would leave out of the newest mails, before it is saved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.utils.translation import gettext, ngettext

from channels.check import Step
from channels.models import ConnectionCheck, PreviewedMail
from channels.pages.previewed import tried_entry
from channels.trying import TRIED, tried_rule
from channels.words.phrases import Phrase, facts_of, phrase
from channels.words.rules import rule_said

_OF_A_GROUP: Final = "only-"


def tried_context(asked: ConnectionCheck) -> dict[str, Any]:
    """For the page: the check while it is open, then what it found."""
    context: dict[str, Any] = {"check": asked, "problem": _problem(asked), "preview": None}
    if not asked.is_open and asked.passed:
        mails = list(asked.previewed.all())
        entries = [tried_entry(mail) for mail in mails]
        rule = rule_said(tried_rule(asked).told())
        context["preview"] = {"rule": rule, "said": _counted(mails, _keys(asked)), "mails": entries}
    return context


def _problem(asked: ConnectionCheck) -> Phrase | None:
    error = Step.load(asked.steps[-1]).error if asked.steps else None
    if error is None or asked.channel is None:
        return None
    return phrase(error.code, facts_of(asked.channel) | error.detail)


def _keys(asked: ConnectionCheck) -> tuple[str, ...]:
    """What names this rule in what was left out: alone, or together with others that allow."""
    return (TRIED, f"{_OF_A_GROUP}{asked.typed['about']}") if asked.typed["only"] else (TRIED,)


def _counted(mails: Iterable[PreviewedMail], keys: tuple[str, ...]) -> str:
    """*Of the 50 newest emails this rule leaves out 12, and 3 files of others.*"""
    mails = list(mails)
    if not mails:
        return gettext("There is no email in this mailbox.")
    left = sum(mail.error_detail.get("rule_key") in keys for mail in mails)
    files = sum(part.get("left_out_by", {}).get("rule_key") in keys for mail in mails for part in mail.parts)
    newest = ngettext("the newest email", "the %(n)s newest emails", len(mails)) % {"n": len(mails)}
    if not left and not files:
        return gettext("Of %(newest)s this rule leaves out nothing.") % {"newest": newest}
    said = ngettext("%(n)s email", "%(n)s emails", left) % {"n": left}
    if files:
        of_others = ngettext("%(n)s file", "%(n)s files", files) % {"n": files}
        said = gettext("%(emails)s and %(files)s of others") % {"emails": said, "files": of_others}
    return gettext("Of %(newest)s this rule leaves out %(left)s.") % {"newest": newest, "left": said}
