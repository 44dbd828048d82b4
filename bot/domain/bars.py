"""Counts that prove a fault, each as a bar with its words: goroutines that wait alike, sockets by state."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.domain.drawing import INK, LETTER_ADVANCE, Box, Label, ending, fitting
from bot.domain.facts import Facts
from bot.domain.flame import Kind
from bot.domain.flame_drawing import BLAME, COLOURS, spot
from bot.domain.goroutines import Group
from bot.domain.stacks import own_frame

MOST = 8
"""Bars of one picture."""
TALL = 44
"""Pixels of a bar with its words."""
_MUTED = 0x5F6773


@dataclass(frozen=True)
class Bar:
    """One count: what is counted, where; whether it is to blame, whether it is the service's own."""

    count: int
    what: str
    where: str = ""
    is_blamed: bool = False
    is_own: bool = True


def of_groups(facts: Facts, blamed: frozenset[str]) -> tuple[Bar, ...]:
    """Give the largest groups as bars, those to blame always among them, and one for the rest."""
    total = facts.goroutines or 0
    bars = [_bar(group, facts.build.module, blamed) for group in facts.groups]
    shown = sorted(sorted(bars, key=lambda bar: not bar.is_blamed)[: MOST - 1], key=lambda bar: -bar.count)
    rest = max(total, sum(bar.count for bar in bars)) - sum(bar.count for bar in shown)
    return (*shown, Bar(rest, "in other groups", is_own=False)) if rest > 0 else tuple(shown)


def of_leaks(facts: Facts) -> tuple[Bar, ...]:
    """Give the groups proven leaked as bars, and one for all other goroutines."""
    shown = facts.leaked_groups[: MOST - 1]
    found = [replace(_bar(group, facts.build.module, frozenset()), is_blamed=True) for group in shown]
    bars = [replace(bar, what=f"leaked: {bar.what}") for bar in found]
    rest = max(facts.goroutines or 0, facts.leaked or 0) - sum(bar.count for bar in bars)
    return (*bars, Bar(rest, "others", is_own=False)) if rest > 0 else tuple(bars)


def of_sockets(facts: Facts) -> tuple[Bar, ...]:
    """Give sockets by state, and what most connections lead to that the process opened itself."""
    bars = (
        [Bar(count, state, is_blamed=at == 0) for at, (state, count) in enumerate(facts.sockets.states)]
        if (facts.sockets)
        else []
    )
    process = facts.process
    if process and process.peer and process.peer_sockets:
        opened = Bar(process.peer_sockets, f"opened to {process.peer}", is_blamed=True)
        most = max((bar.count for bar in bars), default=0)
        bars = [opened, *(Bar(bar.count, bar.what) if opened.count >= most else bar for bar in bars)]
    return tuple(sorted(bars, key=lambda bar: -bar.count)[:MOST])


def _bar(group: Group, module: str, blamed: frozenset[str]) -> Bar:
    own = own_frame(group.stack, module)
    marks = [group.state or "running"]
    marks += [f"{group.leaked:,} leaked"] if group.leaked else []
    marks += [f"longest {group.longest_wait_min} min"] if group.longest_wait_min else []
    frame = own or (group.stack[-1] if group.stack else None)
    where = spot(frame) if frame else "an unknown place"
    is_blamed = own is not None and own.function in blamed
    return Bar(group.count, ", ".join(marks), where, is_blamed, own is not None)


def pictured(bars: Sequence[Bar], x: int, y: int, width: int) -> Iterator[Box | Label]:
    """Give the bars as boxes and words in a picture."""
    most = max((bar.count for bar in bars), default=1)
    indent = max((len(f"{bar.count:,}") for bar in bars), default=1) * 2 * LETTER_ADVANCE + 12
    for at, bar in enumerate(bars):
        top = y + at * TALL
        yield Box(x, top, max(3, round(width * bar.count / most)), TALL - 4, _ground(bar))
        yield Box(x, top, 3, TALL - 4, _edge(bar))
        ink = BLAME if bar.is_blamed else INK
        yield Label(x + indent - 2, top + 4, f"{bar.count:,}", ends=True, colour=ink)
        yield Label(x + indent + 8, top + 4, fitting(bar.what, width - indent - 8), colour=ink)
        yield Label(x + indent + 8, top + 24, ending(bar.where, width - indent - 8), colour=_MUTED)


def _ground(bar: Bar) -> int:
    return 0xF7D4D0 if bar.is_blamed else 0xFBE7CF if bar.is_own else 0xE7ECF3


def _edge(bar: Bar) -> int:
    return BLAME if bar.is_blamed else COLOURS[Kind.OWN if bar.is_own else Kind.STANDARD]
