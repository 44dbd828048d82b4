"""What Elasticsearch answers: search with bool, terms and range, sorted; points in time with search_after; scrolls.

From its published API (search, open and close point in time, scroll, clear scroll). A body with a key that it does not
know is refused, as the real one does; `points=False` answers as OpenSearch and releases before 7.10 do.
"""

import fnmatch
import json
import secrets
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tests.logstores.serving import Asked, Store, Told

VERSION = {"number": "9.1.0", "build_flavor": "default", "minimum_wire_compatibility_version": "8.19.0"}
KNOWN = {"size", "query", "sort", "pit", "search_after", "track_total_hits"}
Document = Mapping[str, Any]


class Elasticsearch(Store):
    """One index of documents."""

    def __init__(self, documents: Sequence[Document], index: str = "logs-shop", *, points: bool = True) -> None:
        super().__init__()
        self.documents = list(documents)
        self.index = index
        self.points = points
        self.opened: set[str] = set()
        self.answers: dict[str, list[tuple[str, int, Document]]] = {}
        self.scrolls: dict[str, tuple[list[dict[str, Any]], int]] = {}
        self.token = ""
        self.failed_shards = 0
        self._most = 10_000

    def answer(self, asked: Asked) -> Told:
        told = self._answer(asked)
        wanted = asked.headers.get("Accept", "")
        kind = wanted if wanted.startswith("application/vnd.elasticsearch+json") else "application/json"
        return Told(told.status, told.body, {"X-Elastic-Product": "Elasticsearch", "Content-Type": kind})

    def _answer(self, asked: Asked) -> Told:
        if self.token and asked.headers.get("Authorization") != f"ApiKey {self.token}":
            return refused(
                401, "security_exception", f"missing authentication for {asked.headers.get('Authorization')}"
            )
        for method, ending, act in (
            ("POST", "/_pit", self._open),
            ("DELETE", "/_pit", self._close),
            ("POST", "/_search/scroll", self._scroll),
            ("DELETE", "/_search/scroll", self._clear),
            ("POST", "/_search", self._search),
        ):
            if asked.method == method and asked.path.endswith(ending):
                return act(asked)
        if asked.path == "/":
            return Told(200, {"name": "n1", "cluster_name": "c", "version": VERSION, "tagline": "You Know, for Search"})
        return refused(405, "method_not_allowed", f"no handler for {asked.method} {asked.path}")

    def _open(self, asked: Asked) -> Told:
        index = asked.path.split("/")[1]
        if not self.points:
            said = f"no handler found for uri [{asked.path}] and method [POST]"
            return Told(400, {"error": said, "status": 400})
        if "keep_alive" not in asked.params:
            return refused(400, "action_request_validation_exception", "[keep_alive] is not specified")
        if not fnmatch.fnmatch(self.index, index):
            return refused(404, "index_not_found_exception", f"no such index [{index}]")
        point = secrets.token_hex(8)
        self.opened.add(point)
        return Told(200, {"id": point, "_shards": shards(0)})

    def _close(self, asked: Asked) -> Told:
        is_known = asked.body["id"] in self.opened
        self.opened.discard(asked.body["id"])
        return Told(200 if is_known else 404, {"succeeded": is_known, "num_freed": int(is_known)})

    def _search(self, asked: Asked) -> Told:
        if strange := set(asked.body) - KNOWN:
            return refused(400, "parsing_exception", f"unknown key for a VALUE in [{min(strange)}]")
        size = asked.body.get("size", 10)
        if size > self._most:
            return refused(400, "illegal_argument_exception", "Result window is too large")
        point = asked.body.get("pit")
        if point is None:
            return self._search_index(asked, size)
        if asked.path != "/_search":
            return refused(400, "action_request_validation_exception", "[indices] cannot be used with point in time")
        if point["id"] not in self.opened:
            return refused(404, "search_context_missing_exception", "No search context found")
        found = self._sorted(asked)
        after = asked.body.get("search_after")
        first = bisect_right(found, tuple(after), key=lambda it: it[:2]) if after else 0
        page = [self._hit(document, [at, place]) for at, place, document in found[first : first + size]]
        renewed = secrets.token_hex(8)  # each answer may name it anew, and the old name ends
        self.opened = self.opened - {point["id"]} | {renewed}
        return Told(200, {"pit_id": renewed, **self._page(page)})

    def _search_index(self, asked: Asked, size: int) -> Told:
        if not fnmatch.fnmatch(self.index, asked.path.split("/")[1]):
            if "*" in asked.path:
                return Told(200, {**self._page([]), "_shards": {**shards(0), "total": 0}})
            return refused(404, "index_not_found_exception", f"no such index [{asked.path.split('/')[1]}]")
        hits = [self._hit(each, [moment(each)]) for each in self.documents if self._fits(asked, each)]
        hits.sort(key=lambda hit: str(hit["sort"]))
        if "scroll" not in asked.params:
            return Told(200, self._page(hits[:size]))
        name = secrets.token_hex(8)
        self.scrolls[name] = (hits[size:], size)
        return Told(200, {"_scroll_id": name, **self._page(hits[:size])})

    def _scroll(self, asked: Asked) -> Told:
        name = asked.body["scroll_id"]
        if name not in self.scrolls:
            return refused(404, "search_context_missing_exception", "No search context found")
        hits, size = self.scrolls.pop(name)
        renewed = secrets.token_hex(8)
        self.scrolls[renewed] = (hits[size:], size)
        return Told(200, {"_scroll_id": renewed, **self._page(hits[:size])})

    def _clear(self, asked: Asked) -> Told:
        named = asked.body["scroll_id"]
        for name in [named] if isinstance(named, str) else named:
            self.scrolls.pop(name, None)
        return Told(200, {"succeeded": True, "num_freed": 1})

    def _sorted(self, asked: Asked) -> list[tuple[str, int, Document]]:
        """Give what answers a query, looked for once: an index would not go through everything for each page."""
        query = json.dumps(asked.body["query"], sort_keys=True)
        if query not in self.answers:
            found = [(moment(each), at, each) for at, each in enumerate(self.documents) if self._fits(asked, each)]
            self.answers[query] = sorted(found, key=lambda it: it[:2])
        return self.answers[query]

    def _fits(self, asked: Asked, document: Document) -> bool:
        return fits(asked.body.get("query", {"match_all": {}}), document)

    def _page(self, hits: list[dict[str, Any]]) -> dict[str, Any]:
        told = {"max_score": None, "hits": hits}
        return {"took": 1, "timed_out": False, "_shards": shards(self.failed_shards), "hits": told}

    def _hit(self, document: Document, sort: list[Any]) -> dict[str, Any]:
        return {"_index": self.index, "_id": secrets.token_hex(4), "_score": None, "_source": document, "sort": sort}


def shards(failed: int) -> dict[str, int]:
    return {"total": 5, "successful": 5 - failed, "skipped": 0, "failed": failed}


def refused(status: int, kind: str, why: str) -> Told:
    cause = {"type": kind, "reason": why}
    return Told(status, {"error": {"root_cause": [cause], **cause}, "status": status})


def moment(document: Document) -> str:
    return str(document.get("@timestamp", ""))


def value(document: Document, name: str) -> Any:
    """Give a field of a document, be it nested or spelled with dots."""
    if name in document:
        return document[name]
    first, _, rest = name.partition(".")
    inner = document.get(first)
    return value(inner, rest) if rest and isinstance(inner, Mapping) else None


def fits(query: Mapping[str, Any], document: Document) -> bool:
    """Tell whether a document is an answer to a query."""
    ((kind, told),) = query.items()
    kinds: Mapping[str, Callable[[Any], bool]] = {
        "match_all": lambda _: True,
        "bool": lambda it: _all(it, document),
        "terms": lambda it: any(value(document, name) in wanted for name, wanted in it.items()),
        "range": lambda it: all(_between(value(document, name), limits) for name, limits in it.items()),
    }
    return kinds[kind](told)


def _all(told: Mapping[str, Any], document: Document) -> bool:
    one_of = told.get("should", ())
    return all(fits(each, document) for each in told.get("filter", ())) and (
        not one_of or sum(fits(each, document) for each in one_of) >= told["minimum_should_match"]
    )


def _between(at: Any, limits: Mapping[str, str]) -> bool:
    if at is None:
        return False
    told = datetime.fromisoformat(at)
    return datetime.fromisoformat(limits["gte"]) <= told <= datetime.fromisoformat(limits["lte"])
