"""Where a person was lately: signing in, pages outside any administration and the switcher return there."""

from __future__ import annotations

from typing import Final

from administrations.models import Administration, User

#: in the switcher; the others are found by typing
SHOWN: Final = 10


def remember(user: User, administration: Administration) -> None:
    """It is the last one now."""
    if user.last_administration_id == administration.pk:
        return
    user.recent_administrations = [known for known in recent_of(user) if known != str(administration.pk)][:SHOWN]
    user.last_administration = administration
    user.save(update_fields=["last_administration", "recent_administrations"])


def recent_of(user: User) -> list[str]:
    """Ids, the last one first; which of them the person may still enter, nobody looked."""
    last = [str(user.last_administration_id)] if user.last_administration_id else []
    return [*last, *(known for known in user.recent_administrations if known not in last)]
