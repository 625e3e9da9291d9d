"""Whether somebody changed a channel while a form or a check of it stood open, and who."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from administrations import meanwhile
from channels import services
from channels.errors import ChannelError
from channels.links import vault
from channels.links.providers import PROOFS
from channels.models import Channel, ChannelSecret
from zenvoices.lib import seen
from zenvoices.lib.seen import Seen

#: what the form shows, the start of a draft included
_SHOWN: Final = (
    "name", *services.BOUND_TO_SECRET, "folder", "more_folders", "after", "after_target", "secret_expires_on",
    "start", "start_date",
)  # fmt: skip
_SECRETS: Final = ("password", *PROOFS)
#: lines of the audit trail that tell of a change of these
_CODES: Final = ("channel.changed", "channel.secret_replaced", "channel.paused", "channel.activated")


class ChangedMeanwhile(Exception):
    """It stands otherwise than whoever decides had seen. `channel`: as it stands."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        self.channel = channel


def settings_of(channel: Channel) -> dict[str, str]:
    """As they stand. Of a secret only since when: another one, and nothing of what it is. A link is no setting: tokens
    are renewed by themselves, and whether there is one is asked when it matters.
    """
    found = {name: seen.as_text(getattr(channel, name)) for name in _SHOWN}
    since = {one.name: one.set_at.isoformat() for one in ChannelSecret.objects.filter(channel=channel)}
    return found | {"active": str(is_wanted(channel))} | {name: since.get(name, "") for name in _SECRETS}


def is_wanted(channel: Channel) -> bool:
    """Whether it is to retrieve: unless a person paused it."""
    return channel.state != Channel.State.INACTIVE or bool(channel.inactive_reason)


def looked_at(channel: Channel) -> dict[str, str]:
    """To go along with a form or a check."""
    return settings_of(channel) | meanwhile.line_of(administration_id=channel.administration_id)


def hold(channel: Channel, was: Seen, typed: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
    """Within a transaction: as it stands now, and nobody changes it until the end. Raises ChangedMeanwhile."""
    services.reread(channel)
    compare(channel, was, typed, secrets)


def compare(channel: Channel, was: Seen, typed: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
    """Raises ChangedMeanwhile. `typed`, and `secrets` by name: what is to be saved. What stands so already was sent
    twice, or means the same.
    """
    now = settings_of(channel)
    there = [name for name, value in typed.items() if seen.as_text(value) == now.get(name)]
    changed = [name for name in seen.changed(was, now) if name not in there]
    if any(name not in secrets or not _is_kept(channel, name, secrets[name]) for name in changed):
        raise ChangedMeanwhile(channel)


def _is_kept(channel: Channel, name: str, secret: str) -> bool:
    try:
        return vault.read(channel, name).get(name) == secret
    except ChannelError:
        return False


def by_whom(channel: Channel, was: Seen) -> str:
    return meanwhile.by_whom(was, channel, _CODES, administration_id=channel.administration_id)
