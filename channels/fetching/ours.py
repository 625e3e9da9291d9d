"""What only the operator can mend is told to the operator, whichever channel met it."""

from __future__ import annotations

from channels.errors import ChannelError, OurProblem
from channels.models import Channel
from channels.words import phrases
from channels.words.sentences import Moment, Reader
from notifications import operator


def tell_operator(channel: Channel, error: ChannelError) -> None:
    """Nothing of the channel is said: an operator works for many offices."""
    if not isinstance(error, OurProblem) or error.code == "interrupted":  # at each restart, and gone by itself
        return
    facts = {"provider": phrases.facts_of(channel)["provider"]} | dict(error.detail)
    said = {
        language: phrases.said_in(language, error.code, facts, Moment.RUNNING, Reader.OPERATOR)
        for language in ("nl", "en")
    }
    reason = error.detail.get("reason")
    code = f"{error.code}:{reason}" if reason else error.code
    operator.tell(code[:60], text_nl=str(said["nl"]), text_en=str(said["en"]))
