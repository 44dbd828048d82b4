"""The picture that proves a finding: where the CPU or the heap goes, who waits where, which sockets there are."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain import bars, drawing, flame_drawing
from bot.domain.bars import Bar
from bot.domain.costs import Costs, ProfileMalformed
from bot.domain.drawing import LETTER_ADVANCE, Box, Label, ending, fitting
from bot.domain.facts import Facts
from bot.domain.faults.finding import Finding
from bot.domain.flame import Focus, draw
from bot.domain.flame_drawing import BLAME, amount, part, spot
from bot.domain.lenses import LENSES, costs_of
from bot.domain.snapshot import Captured

WIDTH = 720
"""Pixels: a chat shows a picture about half as wide, and whole when it is opened."""
ROWS = 13
"""Rows of a flame graph in a picture: with its words it is about as tall as a phone is wide."""
_SIDE, _TOP = 14, 96
_MUTED = 0x5F6773
_LONGEST_TEXT = 4_000
_FRAME = re.compile(r"(?<!\S)([^\s()]\S*) \(([^()\s]{1,200}):(\d{1,9})\)")
_BY_CPU = frozenset({"cpu-hotspot", "gc-pressure", "alloc-churn"})
_BY_HEAP = frozenset({"heap-growth"})
_BY_LEAK = frozenset({"goroutine-leak"})
_BY_SOCKETS = frozenset({"socket-exhaustion"})
_NOT_DRAWN = frozenset({"probe-loop"})
"""What no picture proves: the cluster's word does."""


@dataclass(frozen=True)
class Drawn:
    """A picture, and the same in words for who cannot see it."""

    png: bytes
    words: str


def prove(finding: Finding, facts: Facts, parts: Iterable[Captured]) -> Drawn | None:
    """Draw what proves a finding, from the facts and the parts of its target; None when there is nothing to draw."""
    by_part = {each.part: each for each in parts if each.usable}
    if finding.fault in _BY_CPU and (costs := costs_of("cpu", by_part)):
        return _flame(finding, "cpu", costs, facts)
    if finding.fault in _BY_HEAP and (costs := costs_of("heap", by_part)):
        return _flame(finding, "heap", costs, facts)
    if finding.fault in _BY_SOCKETS and facts.sockets:
        return _bars(finding, "sockets at its ports", bars.of_sockets(facts))
    if not facts.groups or facts.goroutines is None or finding.fault in _NOT_DRAWN:
        return None
    is_leak = finding.fault in _BY_LEAK and facts.leaked_groups
    shown = bars.of_leaks(facts) if is_leak else bars.of_groups(facts, blamed_functions(finding))
    leaked = f", {facts.leaked:,} of them leaked" if is_leak else ""
    return _bars(finding, f"{facts.goroutines:,} goroutines{leaked}", shown)


def blamed_functions(finding: Finding) -> frozenset[str]:
    """Give the functions to blame: those that the claim names with their lines, or else the fix."""
    return blamed_in(finding.claim, finding.fix)


def blamed_in(*texts: str) -> frozenset[str]:
    """Give the functions of the frames in the first of some texts that has any."""
    named = (frozenset(match[1] for match in _FRAME.finditer(text[:_LONGEST_TEXT])) for text in texts)
    return next(filter(None, named), frozenset())


def headline(view: str, costs: Costs) -> str:
    """Say what a flame graph is of, and how much of it there is."""
    title, total = LENSES[view].title, amount(costs.total, costs.unit)
    seconds = f" in {costs.duration_ns / 1e9:.1f} s" if costs.duration_ns > 0 else ""
    cores = f", {costs.total / costs.duration_ns:.2f} cores busy" if seconds and view == "cpu" else ""
    return f"{title}: {total}{seconds}{cores}"


def _flame(finding: Finding, view: str, costs: Costs, facts: Facts) -> Drawn | None:
    if not costs.total:
        return None
    focus = Focus(facts.build.module, blamed_functions(finding), short=True)
    try:
        flame = draw(costs, focus)
    except ProfileMalformed:
        return None
    said = headline(view, costs)
    blamed = flame.blamed
    share = sum(each.width for each in blamed)
    blame = (f"{part(share)} in", spot(blamed[0].frame)) if blamed else ("", "")
    tall = flame_drawing.pictured_height(flame, ROWS)
    shapes = [
        *_head(finding, said, blame),
        *flame_drawing.pictured(flame, _SIDE, _TOP, WIDTH - 2 * _SIDE, ROWS),
        *flame_drawing.key(_SIDE, _TOP + tall + 10),
    ]
    return Drawn(drawing.png(WIDTH, _TOP + tall + 36, shapes), _words(finding, said, blame))


def _bars(finding: Finding, said: str, shown: tuple[Bar, ...]) -> Drawn | None:
    if not shown:
        return None
    blamed = [bar for bar in shown if bar.is_blamed]
    first = blamed[0] if blamed else shown[0]
    blame = (f"{first.count:,} {first.what}" + (" at" if first.where else ""), first.where)
    shapes = [*_head(finding, said, blame), *bars.pictured(shown, _SIDE, _TOP, WIDTH - 2 * _SIDE)]
    return Drawn(drawing.png(WIDTH, _TOP + bars.TALL * len(shown) + 8, shapes), _words(finding, said, blame))


def _head(finding: Finding, said: str, blame: tuple[str, str]) -> list[Box | Label]:
    """Give the lines above a picture; of the place to blame the end is kept, which has the line."""
    room = WIDTH - 2 * _SIDE
    where = ending(blame[1], room - 2 * LETTER_ADVANCE * (len(blame[0]) + 1))
    return [
        Label(_SIDE, 12, fitting(f"{finding.fault} \u00b7 {finding.target}", room, 3), scale=3),
        Label(_SIDE, 44, fitting(said, room), colour=_MUTED),
        Label(_SIDE, 66, f"{blame[0]} {where}", colour=BLAME),
    ]


def _words(finding: Finding, said: str, blame: tuple[str, str]) -> str:
    return f"{finding.fault} on {finding.target}. {said}. {' '.join(blame)}".rstrip()
