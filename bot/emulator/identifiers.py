"""Ids in Slack's shape: a letter for the kind, then capitals and digits."""

import itertools
import secrets
from collections import defaultdict


class Identifiers:
    """Counts each kind apart, so that ids are short and the same in every run."""

    def __init__(self) -> None:
        self._counters: dict[str, itertools.count[int]] = defaultdict(lambda: itertools.count(1))
        self._last_ts = 0

    def next(self, prefix: str) -> str:
        """Return the next id of a kind, for example `C0BOX0001`."""
        return f"{prefix}0BOX{next(self._counters[prefix]):04X}"

    def timestamp(self, now: float) -> str:
        """Return a message ts: never the same twice, never going back."""
        self._last_ts = max(self._last_ts + 1, round(now * 1_000_000))
        seconds, micros = divmod(self._last_ts, 1_000_000)
        return f"{seconds}.{micros:06d}"


def secret(prefix: str = "") -> str:
    """Return what nobody can guess: the secret part of a response url or trigger id."""
    return prefix + secrets.token_hex(12)
