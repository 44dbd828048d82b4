"""Searches what speaks Elasticsearch's API: 7.10 and later by a point in time, older ones and OpenSearch by a scroll.

Nothing is written to it, and no more is asked of it than to read an index.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

import httpx

from bot.adapters.logsearch.asking import PAGE, Conversation, Gathered, LookFailed, StoreLogs
from bot.ports import Sought

KEEP = "1m"
_NO_POINTS = {httpx.codes.BAD_REQUEST, httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED}
"""How a store answers that knows no point in time, or does not allow one."""
_NO_INDEX = "index_not_found_exception"


class ElasticsearchLogs(StoreLogs):
    """The Logs port over the search API."""

    async def _gather(self, store: Conversation, of: Sought, gathered: Gathered) -> None:
        """Gather page by page, the earliest line first."""
        # Closed at once, so that what the store holds open for us is let go before the connection is.
        async with aclosing(self._pages(store, of)) as pages:
            async for page in pages:
                gathered.lacks(_flaw(page))
                if not await gathered.take([_source(hit) for hit in _hits(page)]):
                    break

    async def _lack(self, store: Conversation) -> str:
        """Count without reading whether its index can be searched."""
        found = await store.ask("POST", f"{self._index}/_search", {"size": 0, "track_total_hits": False})
        shards = found.get("_shards", {}).get("total", 0) if isinstance(found, Mapping) else 0
        return "" if shards else f"index {self._at.where}"

    @property
    def _index(self) -> str:
        return f"/{quote(self._at.where, safe='*,-_.:<>')}"

    async def _pages(self, store: Conversation, of: Sought) -> AsyncGenerator[Mapping[str, Any], None]:
        try:
            opened = await store.ask("POST", f"{self._index}/_pit", params={"keep_alive": KEEP})
        except LookFailed as failed:
            if failed.status not in _NO_POINTS or failed.kind == _NO_INDEX:
                raise
            pages = self._scrolled(store, of)
        else:
            pages = self._at_point(store, of, str(opened.get("id") or "") if isinstance(opened, Mapping) else "")
        async with aclosing(pages):
            async for page in pages:
                yield page

    async def _at_point(self, store: Conversation, of: Sought, point: str) -> AsyncGenerator[Mapping[str, Any], None]:
        """Page behind the last line of each page, in what the index held at one moment."""
        at = self.names.at[0]
        order = {"order": "asc", "unmapped_type": "date", "format": "strict_date_optional_time_nanos"}
        asked = {**self._query(of), "sort": [{at: order | {"numeric_type": "date_nanos"}}]}
        after: list[Any] = []
        try:
            while True:
                more = {"search_after": after} if after else {}
                page = await store.ask("POST", "/_search", {**asked, "pit": {"id": point, "keep_alive": KEEP}, **more})
                point = str(page.get("pit_id") or point) if isinstance(page, Mapping) else point
                hits = _hits(page)
                yield page
                if len(hits) < PAGE:
                    return
                after = list(hits[-1]["sort"])
        finally:
            await store.let_go("DELETE", "/_pit", {"id": point})

    async def _scrolled(self, store: Conversation, of: Sought) -> AsyncGenerator[Mapping[str, Any], None]:
        """Page by a scroll, which every release knows."""
        sort = [{self.names.at[0]: {"order": "asc", "unmapped_type": "date"}}]
        page = await store.ask("POST", f"{self._index}/_search", {**self._query(of), "sort": sort}, {"scroll": KEEP})
        scroll = ""
        try:
            while True:
                scroll = str(page.get("_scroll_id") or scroll) if isinstance(page, Mapping) else scroll
                hits = _hits(page)
                yield page
                if len(hits) < PAGE or not scroll:
                    return
                page = await store.ask("POST", "/_search/scroll", {"scroll": KEEP, "scroll_id": scroll})
        finally:
            if scroll:
                await store.let_go("DELETE", "/_search/scroll", {"scroll_id": [scroll]})

    def _query(self, of: Sought) -> dict[str, Any]:
        """Ask for lines that have the id under any of its names, written in between."""
        spelled = [of.trace, of.trace.upper()]
        named = [{"terms": {name: spelled}} for name in self.names.trace]
        between = {"gte": of.since.isoformat(), "lte": of.until.isoformat()}
        wanted = [
            {"bool": {"should": named, "minimum_should_match": 1}},
            {"range": {self.names.at[0]: between}},
        ]
        return {"size": PAGE, "track_total_hits": False, "query": {"bool": {"filter": wanted}}}


def _hits(page: Any) -> list[Mapping[str, Any]]:
    """Give the hits of a page.

    :raises LookFailed: it is no answer to a search.
    """
    hits = page.get("hits") if isinstance(page, Mapping) else None
    found = hits.get("hits") if isinstance(hits, Mapping) else None
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        raise LookFailed("it answered what is no answer of a search")
    return found


def _source(hit: Mapping[str, Any]) -> Mapping[str, Any]:
    source = hit.get("_source")
    return source if isinstance(source, Mapping) else {}


def _flaw(page: Mapping[str, Any]) -> str:
    """Say what a page itself says to be missing of it."""
    shards = page.get("_shards")
    failed = shards.get("failed") if isinstance(shards, Mapping) else 0
    if failed:
        return f"{failed} of {shards.get('total')} shards did not answer" if shards else ""
    return "the store cut its own search short" if page.get("timed_out") else ""
