"""Whether what makes one request known everywhere crosses each hop: its trace, its baggage, its id.

Marked requests were sent to a service; the document holds what came back, and the log lines of the service and of those
behind it that name them. The headers are W3C's (Trace Context, Baggage) and the usual X-Request-ID.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from bot.domain.audits.remark import Grade, Remark

BAGGAGE = "firstfive=audit"


class Header(StrEnum):
    """What a request is followed by."""

    TRACE = "traceparent"
    STATE = "tracestate"
    BAGGAGE = "baggage"
    REQUEST = "X-Request-ID"


class Fate(StrEnum):
    """What became of a header: it is there, another value is, its field is empty, or nothing tells."""

    WHOLE = "whole"
    OTHER = "other"
    LOST = "lost"
    UNSEEN = "unseen"


@dataclass(frozen=True)
class Mark:
    """What one request is known by: its trace (32 hex digits), its span (16), and its id."""

    trace: str
    span: str
    request: str

    @property
    def headers(self) -> Mapping[str, str]:
        """What it is sent with; it asks to be sampled."""
        return {
            Header.TRACE.value: f"00-{self.trace}-{self.span}-01",
            Header.STATE.value: f"firstfive={self.span}",
            Header.BAGGAGE.value: BAGGAGE,
            Header.REQUEST.value: self.request,
        }

    def is_on(self, line: str) -> bool:
        """Tell whether a line of a log names it."""
        return self.request in line or self.has_trace(line)

    def has_trace(self, line: str) -> bool:
        """Tell whether a line names its trace: whole, or its lower half, as 64-bit tracers have it."""
        low = self.trace[16:]
        return low in line.lower() or str(int(low, 16)) in line

    def fate(self, header: Header, line: str) -> tuple[Fate, str]:
        """Give what a line tells of a header, and the other value if there is one."""
        found = {
            Header.TRACE: self.has_trace(line),
            Header.STATE: f"firstfive={self.span}" in line,
            Header.BAGGAGE: bool(_OUR_BAGGAGE.search(line)),
            Header.REQUEST: self.request in line,
        }[header]
        if found:
            return Fate.WHOLE, ""
        value = _told(header, line)
        if not value:
            return Fate.UNSEEN if value is None else Fate.LOST, ""
        return Fate.OTHER, value[:60]


def _field(names: str) -> re.Pattern[str]:
    """Find a field by its names, in JSON (an object's `id`, too), logfmt or words; what holds more fields is none."""
    value = r"""["']?+(?![{\[])([^\s"',}]*)"""
    return re.compile(
        rf"""(?:^|[\s{{,"'])(?:{names})["']?\s?(?:=|:\s?+)(?:\{{\s?"id"\s?:\s?+)?+{value}""", re.IGNORECASE
    )


_TRACE = re.compile(r"[0-9a-fA-F-]{8,}|null|nil|")
_WORD = re.compile(r"""\Wtrace["']?\s?[=:]\s?["']?""", re.IGNORECASE)
_NONE = re.compile("[0-]*|null|nil")
_OUR_BAGGAGE = re.compile(r"""firstfive["']?\s?[=:]\s?["']?audit""")
_FIELDS = {
    Header.TRACE: _field(r"(?:dd\.|otel\.)?trace[_.-]?id|traceparent|trace"),
    Header.STATE: _field(r"trace[_-]?state"),
    Header.BAGGAGE: _field("baggage"),
    Header.REQUEST: _field(r"(?:x[_-])?(?:request|req|correlation)[_.-]?id"),
}
_BETTER = {
    Header.TRACE: "in {before}, call with the context of the request that came in, by a client whose Transport is "
    "otelhttp.NewTransport, and set propagation.TraceContext{{}} with otel.SetTextMapPropagator; without OpenTelemetry "
    "copy traceparent and tracestate",
    Header.STATE: "in {before}, pass tracestate on with traceparent: propagation.TraceContext{{}} does both",
    Header.BAGGAGE: "add propagation.Baggage{{}} to the propagators of {before}: TraceContext alone leaves it behind",
    Header.REQUEST: "in {before}, copy X-Request-ID from the request that came in to the one that goes out; a "
    "RoundTripper does it once for all calls",
}
_BEGAN = "if it is sent and {hop} does not read it, wrap its handler in otelhttp.NewHandler, with the same propagators"


@dataclass(frozen=True)
class Hop:
    """A service on the way: the lines of its log that name a mark, and what came after the first mark should be there.

    `others` are some lines of the latter that name other traces or ids, `later` counts all; `doubt` says why what is
    not among them may be there all the same, "" where it would be.
    """

    service: str
    ours: tuple[str, ...]
    others: tuple[str, ...]
    later: int
    doubt: str

    def fates(self, header: Header, marks: Iterable[Mark]) -> list[tuple[Fate, str]]:
        """Give what became of a header, for each mark that it has lines of; the best of them counts."""
        told = ([mark.fate(header, line) for line in self.ours if mark.is_on(line)] for mark in marks)
        return [min(each, key=lambda one: list(Fate).index(one[0])) for each in told if each]


def names_another(line: str) -> bool:
    """Tell whether a line names a trace or an id of a request."""
    return any(_told(header, line) for header in (Header.TRACE, Header.REQUEST))


def _told(header: Header, line: str) -> str | None:
    """Give the value of a line's field for a header, "" for an empty one, None where it has none.

    `trace=on` is a setting and `stack trace:` a heading: they tell nothing of a request.
    """
    fields = (found for found in _FIELDS[header].finditer(line) if not _WORD.fullmatch(found[0]))
    values = (found[1].strip() for found in fields)
    value = next((each for each in values if header is not Header.TRACE or _TRACE.fullmatch(each)), None)
    return "" if value is not None and _NONE.fullmatch(value) else value


def judge(document: Mapping[str, Any]) -> tuple[Remark, ...]:
    """Give what is lost or changed, where it is first."""
    marks, hops = _read(document)
    return (*_answers(document["sent"]), *(remark for remark, _ in _walked(marks, hops) if remark))


def unseen(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what nothing tells of, in a sentence each."""
    return tuple(told for _, told in _walked(*_read(document)) if told)


def _read(document: Mapping[str, Any]) -> tuple[list[Mark], list[Hop]]:
    sent = document["sent"]
    marks = [Mark(each["trace"], each["span"], each["request"]) for each in sent]
    first, *rest = [
        Hop(one["service"], tuple(one["ours"]), tuple(one["others"]), one["later"], one["doubt"])
        for one in document["hops"]
    ]
    echoed = tuple(line for each in sent if (line := _echo(each)))
    return marks, [replace(first, ours=(*first.ours, *echoed)), *rest]


def _echo(sent: Mapping[str, Any]) -> str:
    """Give what an answer tells as a line of its service's log; nothing where it tells of no mark of ours."""
    told = f"trace_id={sent['echoed_trace']} " if sent["echoed_trace"] else ""
    line = f"{told}request_id={sent['echoed_request']}" if sent["echoed_request"] else told
    return line if sent["request"] in line or sent["trace"] in line else ""


def _answers(sent: Sequence[Mapping[str, Any]]) -> Iterator[Remark]:
    changed = [each for each in sent if each["echoed_request"] not in {"", each["request"]}]
    silent = [each for each in sent if not each["echoed_request"]]
    if changed:
        first = changed[0]
        what = f"X-Request-ID {first['request']} came back as {first['echoed_request']}"
        yield Remark(Grade.RISKY, "answer", first["target"], what, "keep the id that came in; make one where none did")
    elif silent:
        what = f"X-Request-ID comes back on {len(sent) - len(silent)} of {len(sent)} answers"
        better = "send it back: who saw an error then has the word to search for"
        yield Remark(Grade.WEAK, "answer", silent[0]["target"], what, better)


_Told = tuple[Remark | None, str]
"""A remark, or what is not seen."""


@dataclass
class _Way:
    """How far a header is known to have come: `since` names who had it last, and those of whom nothing is known."""

    since: dict[Header, list[str]] = field(
        default_factory=lambda: {each: ["what is in front of it"] for each in Header}
    )
    gone: set[Header] = field(default_factory=set)

    def to(self, hop: Hop, header: Header) -> tuple[str, str]:
        """Give who may have lost it, and the place in which that was."""
        before = " or ".join(self.since[header])
        return before, f"{before} -> {hop.service}"


def _walked(marks: Sequence[Mark], hops: Sequence[Hop]) -> Iterator[_Told]:
    """Follow the marks from hop to hop; what is gone once is not told of again."""
    way = _Way()
    for hop in hops:
        if hop.ours:
            yield from _crossed(way, hop, marks)
        else:
            yield _absent(way, hop, len(marks))
            for services in way.since.values():
                services.append(hop.service)


def _absent(way: _Way, hop: Hop, sent: int) -> _Told:
    """Tell of a hop that names no mark: a loss only where a mark would be seen if it were there."""
    if hop.doubt:
        return None, f"whether anything arrives at {hop.service}: {hop.doubt}"
    if {Header.TRACE, Header.REQUEST} <= way.gone:
        return None, f"whether {hop.service} would be reached: trace and id are gone before it"
    if hop.others:
        before, where = way.to(hop, Header.TRACE)
        way.gone |= set(Header)
        what = (
            f"none of {sent} marked requests is in its log, which names later ones: trace and X-Request-ID are both "
            "lost, or these requests do not come here"
        )
        better = f"{_BETTER[Header.TRACE]}; and {_BETTER[Header.REQUEST]}".format(before=before)
        return Remark(Grade.RISKY, "lost", where, what, f"{better}. If they do not come here, correct `hops`"), ""
    if not hop.later:
        return None, f"whether anything arrives at {hop.service}: its log got no line after the first marked request"
    lines = "the one line" if hop.later == 1 else f"none of the {hop.later} lines"
    names = "names no trace and no id" if hop.later == 1 else "names a trace or an id"
    what = f"{lines} that its log got meanwhile {names} of a request"
    better = "log trace_id and request_id with every line of a request, from its context"
    return Remark(Grade.RISKY, "log", hop.service, what, better), ""


def _crossed(way: _Way, hop: Hop, marks: Sequence[Mark]) -> Iterator[_Told]:
    dark: list[str] = []
    for header in [each for each in Header if each not in way.gone]:
        fates = hop.fates(header, marks)
        lost = [each for each in fates if each[0] in {Fate.OTHER, Fate.LOST}]
        if lost:
            way.gone.add(header)
            yield _lost(way.to(hop, header), hop, header, lost, len(fates)), ""
        elif all(fate is Fate.UNSEEN for fate, _ in fates):
            dark.append(header.value)
            way.since[header].append(hop.service)
        else:
            way.since[header] = [hop.service]
    if dark:
        arrive = "arrives" if len(dark) == 1 else "arrive"
        yield None, f"whether {', '.join(dark)} {arrive} at {hop.service}: its lines do not tell"
    unmet = sum(not any(mark.is_on(line) for line in hop.ours) for mark in marks)
    if unmet:
        yield None, f"{unmet} of {len(marks)} marked requests at {hop.service}: no line names them"


def _lost(way: tuple[str, str], hop: Hop, header: Header, lost: Sequence[tuple[Fate, str]], of: int) -> Remark:
    before, where = way
    other = next((value for _, value in lost if value), "")
    better = _BETTER[header].format(before=before)
    on = f"on {'all' if len(lost) == of else f'{len(lost)} of'} {of} marked requests"
    if header is Header.TRACE and other:
        what = f"{on} a new trace begins here ({other})"
        return Remark(Grade.WRONG, "new trace", where, what, f"{better}; {_BEGAN.format(hop=hop.service)}")
    what = f"{on} {header} {f'arrives as {other}' if other else 'does not arrive'}"
    return Remark(Grade.WRONG if header is Header.TRACE else Grade.RISKY, "lost", where, what, better)
