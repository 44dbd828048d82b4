"""Search the services' logs for every line of a trace; rebuild from them who called whom, and who failed first."""

import asyncio
from dataclasses import asdict, dataclass
from datetime import timedelta

from bot.engine import (
    CommandRejected,
    Field,
    Kind,
    Params,
    Playbook,
    Rest,
    RunFailed,
    Stored,
    Tools,
    Within,
    span,
    traces,
)

_BACK = "1d"
_MOST_BACK_DAYS = 30
"""What a store is asked for at most: Loki answers for no more than about that (its `max_query_length`)."""
_AHEAD = timedelta(hours=1)
"""A host whose clock is ahead writes lines of later than now."""


class Trace(Params):
    """Which trace: its id, or a whole traceparent; and how far back its lines are looked for."""

    trace_id: Rest = Field(title="Id of the trace", description="32 hex digits, or a whole traceparent")
    within: Within = Field("", title="How far back?", description=f"2h or 7d; empty: {_BACK}")


@dataclass(frozen=True)
class Found:
    """The lines of the trace, kept; `missing` says why they are not all."""

    trace: str
    lines: Stored
    missing: str
    summary: str


@dataclass(frozen=True)
class Traced:
    """What became of the trace: its files, and the service that failed first, "" for none."""

    trace: str
    lines: str
    chain: str
    waterfall: str
    first_failing: str
    missing: str
    page: str
    summary: str


@dataclass(frozen=True)
class _Rebuilt:
    """A chain as it is kept and told."""

    chain: bytes
    picture: bytes
    first_failing: str
    headline: str
    about: str
    summary: str


playbook = Playbook("trace", "Rebuild a request's way through the services from their logs.", Trace)


@playbook.gate
async def is_fit(tools: Tools, params: Trace) -> None:
    """Refuse what is no id, and say what to configure where there is nothing to search."""
    traces.trace_id(params.trace_id)
    _back(params)
    if tools.ports.logs.mend:
        raise CommandRejected(tools.ports.logs.mend)


@playbook.step("Search the logs")
async def search(tools: Tools, params: Trace) -> Found:
    """Read every line of it, and keep them."""
    # However often it is begun anew, it is the same question: as of when it was asked.
    trace, now, logs = traces.trace_id(params.trace_id), tools.run_row.created_at, tools.ports.logs
    until = now + _AHEAD
    since = max(now - _back(params), until - timedelta(days=_MOST_BACK_DAYS))
    found = await logs.lines(traces.Sought(trace, since, until))
    if isinstance(found, traces.Missing):
        raise RunFailed(f"The logs could not be searched: {found.reason}.")
    if not found.lines:
        raise RunFailed(
            f"No line of trace {trace} was written in the last {params.within or _BACK} to {logs.place}. Look further "
            "back with within=7d, or see in docs/traces.md what lines must have."
        )
    stored = await tools.ports.artifacts.put(f"trace-{trace}.jsonl", found.content)
    read = f"{found.lines:,} lines read" + (f"; missing: {found.missing}" if found.missing else "")
    tools.record(Kind.ARTIFACT, **asdict(stored), what=f"log lines of trace {trace}: {read}")
    return Found(trace, stored, found.missing, read)


@playbook.step("Rebuild the chain")
async def rebuild(tools: Tools, params: Trace, found: Found) -> Traced:
    """Say who called whom, draw it, and name the first failing hop."""
    del params
    content = await tools.ports.artifacts.get(found.lines.sha256)
    if content is None:
        raise RunFailed("The lines of the trace are not there any more.")
    told = await asyncio.to_thread(_rebuilt, content, tools.ports.logs.names, found)
    kept = await tools.ports.artifacts.put(f"trace-{found.trace}.json", told.chain)
    tools.record(Kind.ARTIFACT, **asdict(kept), what=f"chain of trace {found.trace}: {told.about}")
    picture = await tools.ports.artifacts.put(f"trace-{found.trace}.svg", told.picture)
    tools.record(Kind.ARTIFACT, **asdict(picture), what=f"waterfall of trace {found.trace}: {told.headline}")
    digests = (found.lines.sha256, kept.sha256, picture.sha256)
    page = f"/runs/{tools.run_id}/trace"
    return Traced(found.trace, *digests, told.first_failing, found.missing, page, told.summary)


def _back(params: Trace) -> timedelta:
    back = span(params.within or _BACK)
    if not 0 < back.total_seconds() <= _MOST_BACK_DAYS * 86_400:
        raise CommandRejected(f"within={params.within}: choose up to {_MOST_BACK_DAYS}d.")
    return back


def _rebuilt(content: bytes, names: traces.Names, found: Found) -> _Rebuilt:
    """Rebuild the chain, and tell all that is told of it: of a long one that takes seconds."""
    chain = traces.of_lines(found.trace, content, names)
    headline, hop = traces.headline(chain), traces.first_failing(chain)
    return _Rebuilt(
        traces.write_chain(chain),
        traces.waterfall_svg(chain, alone=True).encode(),
        hop.span.service if hop else "",
        headline,
        traces.about(chain),
        _told(chain, headline, found),
    )


def _told(chain: traces.Chain, headline: str, found: Found) -> str:
    """Say what failed first, then draw the tree, then what must be known of both."""
    lines = [f"*{headline}*.", f"Trace `{found.trace}`: {traces.about(chain)}."]
    if found.missing:
        lines.append(f":warning: Not all of it was read: {found.missing}.")
    lines += ["```", traces.tree(chain), "```"]
    return "\n".join([*lines, *(f"• {each}." for each in traces.sentences(chain))])
