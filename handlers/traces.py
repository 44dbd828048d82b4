"""The page of a trace: its chain as a waterfall, and every span of it in a table."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fastapi import APIRouter, Response
from markupsafe import Markup

from bot.domain.errors import StoreUnusable
from bot.domain.picture import waterfall_svg
from bot.domain.run import Run
from bot.domain.trace.chain import Chain, Span
from bot.domain.trace.findings import Hop, first_failing, took
from bot.domain.trace.telling import about, headline, label, sentences
from bot.engine.made import Latest
from bot.engine.ports import Ports
from bot.engine.tracing import ChainUnreadable, read_chain
from handlers.html import Html
from handlers.lost import lost
from handlers.reader import Asks
from handlers.visible import visible_run

_MOST_ROWS = 500
_KEPT = 20
"""Chains of which it is kept what the page says: to read one of 100,000 spans, the whole process waits a second."""
_LOST = "There is no trace of this run, or its chain was removed by retention."


@dataclass(frozen=True)
class SpanRow:
    """A span in a line; `began` counts from the beginning of the trace."""

    label: str
    depth: int
    began: str
    took: str
    own: str
    span: Span
    is_first: bool


@dataclass(frozen=True)
class Traces:
    """The routes. `busy`: one chain is read at a time; `seen`: what the page said of those that were looked at last."""

    ports: Ports
    html: Html
    busy: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    seen: Latest[Mapping[str, Any]] = field(default_factory=lambda: Latest(_KEPT, lambda _: 1))

    def route(self, routes: APIRouter) -> None:
        """Add them."""
        routes.add_api_route("/runs/{run_id}/trace", self.page)

    async def page(self, reader: Asks, run_id: str) -> Response:
        """Show the trace that a run has rebuilt."""
        run = await self.ports.store.read(lambda tx: visible_run(self.ports, tx, run_id, reader.person))
        kept = of_run(run) if run is not None else {}
        told = await self._told(kept.get("chain", ""))
        if run is None or told is None:
            return await lost(self.ports, self.html, reader, _LOST)
        return self.html.page(
            "trace.html",
            reader,
            run=run,
            missing=kept.get("missing", ""),
            files=[(name, kept[name]) for name in ("lines", "chain", "waterfall") if kept.get(name)],
            **told,
        )

    async def _told(self, sha256: str) -> Mapping[str, Any] | None:
        """Give what the page says of a chain; None when it is not there any more, or cannot be read."""
        async with self.busy:
            try:
                content = await self.ports.artifacts.get(sha256) if sha256 else None
                if content is None:
                    return None
                return await asyncio.to_thread(self.seen.of, sha256, "", partial(_told, content))
            except (StoreUnusable, ChainUnreadable):
                return None


def of_run(run: Run) -> dict[str, str]:
    """Give what a run of `trace` has left, by name; nothing of any other."""
    told: Any = run.result if run.plan.playbook == "trace" and isinstance(run.result, dict) else {}
    return {str(name): str(value) for name, value in told.items() if isinstance(value, str)}


def _told(content: bytes) -> Mapping[str, Any]:
    """Give what the page says of a chain as it was kept, by name: of a long one that takes a while.

    :raises ChainUnreadable: it is none.
    """
    chain = read_chain(content)
    hop = first_failing(chain)
    return {
        "trace": chain.trace,
        "about": about(chain),
        "headline": headline(chain),
        "remarks": list(sentences(chain)),
        "picture": Markup(waterfall_svg(chain)),  # noqa: S704 - it escapes its words
        "rows": [_row(chain, at, hop) for at in range(min(len(chain.spans), _MOST_ROWS))],
        "left": max(len(chain.spans) - _MOST_ROWS, 0),
    }


def _row(chain: Chain, at: int, hop: Hop | None) -> SpanRow:
    span = chain.spans[at]
    began = took(span.begins_us - chain.begins_us)
    return SpanRow(
        label(span),
        min(span.depth, 10),
        began,
        took(span.took_us),
        took(max(span.own_us, 0)),
        span,
        at == (hop.at if hop else -1),
    )
