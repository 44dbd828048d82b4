"""What Loki answers: query_range with a selector, line filters and one label, in batches by time; its labels.

From its published HTTP API: `start` is inclusive, `end` exclusive, `limit` holds for all streams together, and the
default of `max_entries_limit_per_query` is 5000.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from tests.logstores.serving import Asked, Store, Told

QUERY = re.compile(r'(\{[^}]*\}) (\|=|!=) "([^"]*)"(?: \| trace_id="([^"]*)")?')
MOST = 5_000
Row = tuple[int, Mapping[str, str], str]


class Loki(Store):
    """Rows of a time in nanoseconds, labels with structured metadata among them, and a line."""

    def __init__(self, rows: Sequence[Row]) -> None:
        super().__init__()
        self.rows = sorted(rows, key=lambda row: row[0])
        self.tenant = ""

    def answer(self, asked: Asked) -> Told:
        if self.tenant and asked.headers.get("X-Scope-OrgID") != self.tenant:
            return Told(401, b"no org id\n", {"Content-Type": "text/plain"})
        if asked.path == "/loki/api/v1/labels":
            return Told(
                200, {"status": "success", "data": sorted({name for _, labels, _ in self.rows for name in labels})}
            )
        query = QUERY.fullmatch(asked.params.get("query", ""))
        if asked.path != "/loki/api/v1/query_range" or query is None:
            return Told(400, b"parse error at line 1, col 1: syntax error", {"Content-Type": "text/plain"})
        limit, forward = int(asked.params["limit"]), asked.params["direction"] == "forward"
        if limit > MOST:
            return Told(400, b"max entries limit per query exceeded, limit > max_entries_limit_per_query")
        start, end = int(asked.params["start"]), int(asked.params["end"])
        _, sign, text, label = query.groups()
        found = [
            row
            for row in (self.rows if forward else reversed(self.rows))
            if start <= row[0] < end
            and (text in row[2]) is (sign == "|=")
            and (label is None or row[1].get("trace_id") == label)
        ][:limit]
        streams: defaultdict[str, list[list[str]]] = defaultdict(list)
        for at, labels, line in found:
            streams[json.dumps(labels, sort_keys=True)].append([str(at), line])
        result = [{"stream": json.loads(labels), "values": values} for labels, values in streams.items()]
        return Told(200, {"status": "success", "data": {"resultType": "streams", "result": result, "stats": {}}})
