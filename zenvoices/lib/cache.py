"""The cache holds nothing that matters: without Redis it forgets, and nobody meets an error page."""

from __future__ import annotations

import json
from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)


class JsonSerializer:
    """Django's own reads pickles: whoever writes into Redis would run code in every process of the portal."""

    def dumps(self, value: Any) -> str:
        return json.dumps(value)

    def loads(self, data: bytes) -> Any:
        """Raises ValueError for what is no JSON, such as a value of a version before this one."""
        return json.loads(data)


class ForgetfulRedisCache(RedisCache):
    """Signing in must work while Redis is away; its rate limits rest until it is back."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        options = {**params.get("OPTIONS", {}), "serializer": JsonSerializer}
        super().__init__(server, {**params, "OPTIONS": options})

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        try:
            return super().get(key, default, version)
        except (RedisError, ValueError) as problem:
            return self._forgotten(problem, default)

    def set(self, key: str, value: Any, *args: Any, **kwargs: Any) -> None:
        try:
            super().set(key, value, *args, **kwargs)
        except RedisError as problem:
            self._forgotten(problem)

    def add(self, key: str, value: Any, *args: Any, **kwargs: Any) -> bool:
        try:
            return super().add(key, value, *args, **kwargs)
        except RedisError as problem:
            return bool(self._forgotten(problem, True))

    def delete(self, key: str, version: int | None = None) -> bool:
        try:
            return super().delete(key, version)
        except RedisError as problem:
            return bool(self._forgotten(problem, False))

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        try:
            return int(super().incr(key, delta, version))
        except RedisError as problem:
            return int(self._forgotten(problem, 0))

    def _forgotten(self, problem: RedisError | ValueError, answer: Any = None) -> Any:
        log.warning("cache does not answer as it should", problem=type(problem).__name__)
        return answer
