"""What this process learned of some servers, so that the next session does not pay for it again."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable

DAY = 86_400.0


class Remembered:
    """For a day, of the last `most`: a server is mended some time, and a line breaks by chance."""

    def __init__(self, most: int = 1000) -> None:
        self._most = most
        self._until: OrderedDict[Hashable, float] = OrderedDict()

    def __contains__(self, server: Hashable) -> bool:
        return self._until.get(server, 0.0) > time.monotonic()

    def add(self, server: Hashable) -> None:
        self._until[server] = time.monotonic() + DAY
        self._until.move_to_end(server)
        while len(self._until) > self._most:
            self._until.popitem(last=False)
