"""The Gmail API on the wire: whose word an answer is, and no more calls than Google grants."""

from __future__ import annotations

import http.client
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from channels.mailboxes.base import Watch
from zenvoices.lib.net.https import body_of, whole

LONGEST_ANSWER: Final = 4 * 1024 * 1024
# https://developers.google.com/workspace/gmail/api/reference/quota: what one user may cost in a minute, and
# what each call costs. Projects from before May 2026 may do more; they wait here for nothing only above 300 mails.
UNITS_A_MINUTE: Final = 6000
MINUTE: Final = 60.0


class Quota:
    """What would be refused at Google waits here: no more units in any minute than Google grants one user."""

    def __init__(self, watch: Watch, pause: Callable[[float], None] = time.sleep) -> None:
        self._watch = watch
        self._pause = pause
        self._spent: deque[tuple[float, int]] = deque()

    def spend(self, units: int) -> None:
        """Returns when the minute has room. Raises server_too_slow when the deadline comes first."""
        while sum(cost for _, cost in self._recent()) + units > UNITS_A_MINUTE:
            self._watch.tick()
            self._pause(self._watch.allowance(1.0))
        self._spent.append((time.monotonic(), units))

    def _recent(self) -> deque[tuple[float, int]]:
        while self._spent and self._spent[0][0] <= time.monotonic() - MINUTE:
            self._spent.popleft()
        return self._spent


def is_json(answer: http.client.HTTPResponse) -> bool:
    """Whether it is the API that speaks. A page is somebody else's: of a proxy, or of Google's own front."""
    return answer.headers.get_content_type() == "application/json"


def words_of(answer: http.client.HTTPResponse) -> bytes:
    """The body of a refusal; b"" when it is not the API's."""
    body = whole(body_of(answer), LONGEST_ANSWER)
    return body if is_json(answer) else b""
