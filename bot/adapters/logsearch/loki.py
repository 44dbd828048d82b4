"""Searches Loki: lines that name the trace, and those that have it as structured metadata, in batches by time."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from bot.adapters.logsearch.asking import PAGE, Conversation, Gathered, LookFailed, StoreLogs
from bot.domain.timeline import to_us
from bot.ports import Sought

_PAIR = re.compile(r'([A-Za-z_][\w.-]{0,80})=("(?:[^"\\]|\\.)*"|[^\s"]*)')
_ENTRY = 2
Entry = tuple[int, str, Mapping[str, Any]]


class LokiLogs(StoreLogs):
    """The Logs port over Loki's query_range."""

    async def _gather(self, store: Conversation, of: Sought, gathered: Gathered) -> None:
        """Gather the first kind of lines, then the other, each in the order of time."""
        for query in self._queries(of):
            async for batch in _batches(store, query, of, gathered):
                if not await gathered.take([_document(*entry) for entry in batch]):
                    return

    async def _lack(self, store: Conversation) -> str:
        """Ask for its labels, which every tenant may."""
        found = await store.ask("GET", "/loki/api/v1/labels")
        labels = found.get("data") if isinstance(found, Mapping) else None
        has_some = isinstance(labels, list) and bool(labels)
        return "" if has_some else "labels: does nothing send lines to it, or to another tenant?"

    def _queries(self, of: Sought) -> tuple[str, str]:
        """Give what is asked: a line is the answer to one of both only."""
        return (f'{self._at.where} |= "{of.trace}"', f'{self._at.where} != "{of.trace}" | trace_id="{of.trace}"')


async def _batches(store: Conversation, query: str, of: Sought, gathered: Gathered) -> AsyncIterator[list[Entry]]:
    """Give batch after batch; each begins with the last moment of the one before, without what was seen of it."""
    start, end = _ns(of.since), _ns(of.until) + 1
    seen: set[tuple[int, str, str]] = set()
    while start < end:
        asked = {"query": query, "limit": str(PAGE), "direction": "forward", "start": str(start), "end": str(end)}
        entries = _entries(await store.ask("GET", "/loki/api/v1/query_range", params=asked))
        fresh = [entry for entry in entries if _key(entry) not in seen]
        if fresh:
            yield fresh
        if len(entries) < PAGE:
            return
        last = entries[-1][0]
        if last == start and not fresh:
            # More lines of one nanosecond than an answer has: nothing in its API gives the others.
            gathered.lacks(f"more than {PAGE:,} lines of one moment, of which Loki gives no more")
            last += 1
        seen = {_key(entry) for entry in entries if entry[0] == last}
        start = last


def _entries(told: Any) -> list[Entry]:
    """Give the entries of all streams by time.

    :raises LookFailed: it is no answer of lines.
    """
    try:
        rows = told["data"]["result"]
        found = [
            (int(value[0]), str(value[1]), {**row["stream"], **(value[_ENTRY] if len(value) > _ENTRY else {})})
            for row in rows
            for value in row["values"]
        ]
    except (KeyError, TypeError, ValueError, IndexError):
        raise LookFailed("it answered what are no lines") from None
    return sorted(found, key=lambda entry: entry[0])


def _key(entry: Entry) -> tuple[int, str, str]:
    at, line, labels = entry
    return at, line, json.dumps(labels, sort_keys=True)


def _document(at_ns: int, line: str, labels: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give a line as an object: what it says itself counts before its labels."""
    return {"@timestamp": at_ns, **labels, **_said(line)}


def _said(line: str) -> Mapping[str, Any]:
    """Read a line that is JSON or logfmt; any other is its message."""
    if line.lstrip().startswith("{"):
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            return {"message": line}
        return told if isinstance(told, dict) else {"message": line}
    pairs = {name: _unquoted(value) for name, value in _PAIR.findall(line)}
    return pairs if "msg" in pairs or "message" in pairs else {**pairs, "message": line}


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value[1:-1]


def _ns(at: datetime) -> int:
    return to_us(at) * 1_000
