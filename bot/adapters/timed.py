"""An adapter that tells how long each of its calls took and how it ended, whatever it is an adapter of."""

import time
from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar, cast

from bot.domain.run import Missing

T = TypeVar("T")
Told = Callable[[str, str, str, float], None]
"""Is told of a call: the adapter's name, the call's, "ok", "missing" or "raised", and its seconds."""


def timed(adapter: T, name: str, told: Told) -> T:
    """Give an adapter that does the same, and tells of every call that is awaited."""
    return cast("T", _Timed(adapter, name, told))


class _Timed:
    """Stands in front of an adapter. What is no coroutine passes as it is."""

    def __init__(self, adapter: Any, name: str, told: Told) -> None:
        self._adapter = adapter
        self._name = name
        self._told = told

    def __getattr__(self, call: str) -> Any:
        found = getattr(self._adapter, call)
        if not iscoroutinefunction(found):
            return found
        following = self._followed(call, found)
        setattr(self, call, following)  # found there the next time, without a detour
        return following

    def _followed(self, call: str, act: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        @wraps(act)
        async def follow(*args: Any, **given: Any) -> Any:
            began, outcome = time.perf_counter(), "raised"
            try:
                answer = await act(*args, **given)
                outcome = "missing" if isinstance(answer, Missing) else "ok"
            finally:
                self._told(self._name, call, outcome, time.perf_counter() - began)
            return answer

        return follow
