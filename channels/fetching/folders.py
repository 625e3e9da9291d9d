"""The folders of a channel, one after another: each has its own numbers, and they share the ledger's other keys."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db import transaction

from channels.errors import ChannelError
from channels.models import Channel, FurtherFolder
from channels.models.folder import NO_NUMBERS, STATE

#: what is the matter with one folder alone: the others are fetched all the same
_OF_ONE_FOLDER: Final = frozenset({"folder_missing", "folder_not_allowed"})


def is_of_one_folder(problem: ChannelError) -> bool:
    return problem.code in _OF_ONE_FOLDER


def places_of(channel: Channel) -> list[Channel]:
    """The channel at each of its folders, the first one first. What a session learns there, keep() writes.

    A folder without a state is one that is not saved yet (as_chosen).
    """
    if not (channel.has_folders and channel.more_folders):
        return [channel]
    states = {state.folder: state for state in FurtherFolder.objects.filter(channel=channel)}
    further = (states.get(name) or _new_state(channel, name) for name in channel.more_folders)
    places = [copy.copy(channel), *(_at(channel, state) for state in further)]
    names = {place.folder for place in places}
    for place in places:
        place.other_folders = frozenset(names - {place.folder})
    return places


def _at(channel: Channel, state: FurtherFolder) -> Channel:
    place = copy.copy(channel)
    place.further = state
    for name in STATE:
        setattr(place, name, getattr(state, name))
    if state.added_later:
        place.start = Channel.Start.UNREAD
    return place


def keep(place: Channel, values: Mapping[str, Any], *, fence: int | None = None) -> None:
    """Writes some of STATE to where that of this folder stands. `fence`: only as long as it holds."""
    for name, value in values.items():
        setattr(place, name, value)
    held = {} if fence is None else {"fence": fence}
    if place.further is None:
        Channel.objects.filter(pk=place.pk, **held).update(**values)
        return
    with transaction.atomic():
        if Channel.objects.select_for_update().filter(pk=place.pk, **held).values_list("pk").first():
            FurtherFolder.objects.filter(pk=place.further.pk).update(**values)


def choose(channel: Channel, names: Sequence[str]) -> None:
    """In the transaction that saves them as Channel.more_folders: each has a state, and no other. A folder that is left
    out loses its numbers and keeps its ledger, so that nothing is doubled when it is chosen again.
    """
    states = FurtherFolder.objects.filter(channel=channel)
    states.exclude(folder__in=names).delete()
    known = set(states.values_list("folder", flat=True))
    FurtherFolder.objects.bulk_create(_new_state(channel, name) for name in names if name not in known)


def _new_state(channel: Channel, name: str) -> FurtherFolder:
    return FurtherFolder(
        administration_id=channel.administration_id, channel=channel, folder=name, added_later=channel.has_begun
    )


def as_chosen(channel: Channel, folder: str, more_folders: Sequence[str]) -> Channel:
    """The channel as it would be with these folders. Not to be saved."""
    chosen = copy.copy(channel)
    if folder != channel.folder and not take_over(chosen, folder):
        for name, value in (NO_NUMBERS | {"folder": folder}).items():
            setattr(chosen, name, value)
    chosen.more_folders = list(more_folders)
    return chosen


def take_over(channel: Channel, name: str) -> bool:
    """The first folder is left out and this one, known already, becomes the first, with its state. The caller saves."""
    state = FurtherFolder.objects.filter(channel=channel, folder=name).first()
    if state is None:
        return False
    for field in STATE:
        setattr(channel, field, getattr(state, field))
    if state.added_later:
        channel.start, channel.start_date = Channel.Start.UNREAD, None
    return True


def forget_numbers(channel: Channel) -> None:
    """Of all further folders: the channel points at another mailbox."""
    FurtherFolder.objects.filter(channel=channel).update(**NO_NUMBERS)
