"""The cache holds nothing that matters: without Redis it forgets, and nobody meets an error page or waits for it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, ClassVar, Final

import structlog
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as NoAnswer

log = structlog.get_logger(__name__)
#: seconds that it is waited for
_PATIENCE: Final = 2.0
#: seconds after that in which nobody waits again: signing in alone asks it a dozen times
_REST: Final = 10.0


class JsonSerializer:
    """Django's own reads pickles: whoever writes into Redis would run code in every process of the portal."""

    def dumps(self, value: Any) -> str:
        return json.dumps(value)

    def loads(self, data: bytes) -> Any:
        """Raises ValueError for what is no JSON, such as a value of a version before this one."""
        return json.loads(data)


class ForgetfulRedisCache(RedisCache):
    """Signing in must work while Redis is away or stands still; its rate limits rest until it is back."""

    #: by the clock of time.monotonic, for each Redis; of all threads, each of which has an object of its own
    _rests_until: ClassVar[dict[str, float]] = {}

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        waits = {"socket_timeout": _PATIENCE, "socket_connect_timeout": _PATIENCE}
        options = {**waits, **params.get("OPTIONS", {}), "serializer": JsonSerializer}
        super().__init__(server, {**params, "OPTIONS": options})
        self._server = server

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        try:
            return self._asked(lambda: super(ForgetfulRedisCache, self).get(key, default, version), default)
        except ValueError as problem:
            return self._forgotten(problem, default)

    def set(self, key: str, value: Any, *args: Any, **kwargs: Any) -> None:
        self._asked(lambda: super(ForgetfulRedisCache, self).set(key, value, *args, **kwargs), None)

    def add(self, key: str, value: Any, *args: Any, **kwargs: Any) -> bool:
        return bool(self._asked(lambda: super(ForgetfulRedisCache, self).add(key, value, *args, **kwargs), True))

    def delete(self, key: str, version: int | None = None) -> bool:
        return bool(self._asked(lambda: super(ForgetfulRedisCache, self).delete(key, version), False))

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        return int(self._asked(lambda: super(ForgetfulRedisCache, self).incr(key, delta, version), 0))

    def _asked(self, ask: Callable[[], Any], forgotten: Any) -> Any:
        if time.monotonic() < self._rests_until.get(self._server, 0.0):
            return forgotten
        try:
            return ask()
        except RedisError as problem:
            if isinstance(problem, NoAnswer):
                self._rests_until[self._server] = time.monotonic() + _REST
            return self._forgotten(problem, forgotten)

    def _forgotten(self, problem: RedisError | ValueError, answer: Any) -> Any:
        log.warning("cache does not answer as it should", problem=type(problem).__name__)
        return answer
