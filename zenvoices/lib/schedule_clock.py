"""The schedule of beat, on a machine whose clock may be set back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from celery.beat import PersistentScheduler

#: what a clock is slowed down by is no matter
_SET_BACK: Final = timedelta(seconds=5)


class OutlivesItsClock(PersistentScheduler):
    """What ran last by a clock that was ahead ran now: Celery would queue nothing until that moment comes again."""

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        now = self.app.now()
        ahead = [entry for entry in self.schedule.values() if (entry.last_run_at or now) - now > _SET_BACK]
        for entry in ahead:
            entry.last_run_at = now
        if ahead:
            self._heap = None  # its moments are those of the other clock
        return super().tick(*args, **kwargs)
