"""How long a trace of 100,000 lines takes: to be read from a store, and to be rebuilt; beside reading plain JSON."""

import asyncio
import json
import time
import tracemalloc
from collections.abc import Iterable
from datetime import timedelta
from statistics import median

from bot.adapters.logsearch.asking import Place
from bot.adapters.logsearch.elasticsearch import ElasticsearchLogs
from bot.domain.picture import waterfall_svg
from bot.domain.trace.findings import first_failing
from bot.domain.trace.names import Names
from bot.engine.tracing import of_lines
from bot.ports import Logged, Sought
from tests.bench.figures import load, spread
from tests.bench.row import Row
from tests.logstores.elasticsearch import Elasticsearch
from tests.logstores.serving import serving
from tests.logstores.shop import NOON, TRACE, many

LINES, ROUNDS, PATIENCE_S = 100_000, 3, 120.0


def run() -> Iterable[Row]:
    """Read and rebuild the trace; hold the rebuilding against reading the same lines as JSON and doing nothing."""
    documents = list(many(LINES))
    content = "".join(f"{json.dumps(each)}\n" for each in documents).encode()
    took, plain = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        read = [json.loads(line) for line in content.splitlines()]
        plain.append(time.perf_counter() - began)
        began = time.perf_counter()
        chain = of_lines(TRACE, content, Names())
        drawn = waterfall_svg(chain)
        took.append(time.perf_counter() - began)
    hop = first_failing(chain)
    assert len(read) == chain.lines == LINES
    assert hop is not None
    assert drawn
    notes = f"{len(chain.spans)} spans, {len(content) / 1e6:.0f} MB; {spread(took)} s; {load()}"
    yield Row("lines to waterfall", median(took), "s", at_most=10, notes=notes)
    yield Row("the same lines as plain JSON", median(plain), "s", notes=spread(plain))
    yield Row("beside plain JSON", median(took) / median(plain), "x", at_most=5)
    yield Row("memory while it is rebuilt", peak(content), "MB", at_most=250, notes="beside the lines themselves")
    del read
    yield searched(documents)


def peak(content: bytes) -> float:
    """Give how much is held at most while a chain is rebuilt, MB."""
    tracemalloc.start()
    of_lines(TRACE, content, Names())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 1e6


def searched(documents: list[dict[str, object]]) -> Row:
    """Read every line from the store of the tests, over a socket, and take out what is secret."""
    kept = Elasticsearch(documents)
    with serving(kept) as url:
        logs = ElasticsearchLogs(Place(url, "logs-*", deadline_s=PATIENCE_S))
        began = time.perf_counter()
        found = asyncio.run(logs.lines(Sought(TRACE, NOON - timedelta(days=1), NOON)))
        took = time.perf_counter() - began
    assert isinstance(found, Logged)
    assert (found.lines, found.missing) == (LINES, "")
    return Row("100 pages over a socket, redacted", took, "s", notes=f"{len(kept.asked)} requests; {load()}")
