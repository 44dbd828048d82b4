"""Requests that are marked, and on which track each lands: what a router does with ids and marks.

A mark is an argument, a header or a cookie that asks for a track (`X-Release-Phase: canary`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.traffic import Split

CANARY, BASELINE = "canary", "baseline"
_EACH = 3


class Mark(StrEnum):
    """By what a request asks for a track."""

    ARGUMENT = "argument"
    HEADER = "header"
    COOKIE = "cookie"


@dataclass(frozen=True)
class Front:
    """The address that users go through, how requests are marked there, and by what an answer tells its track.

    `track` is a response header; `build`, if it is given, a key of the JSON answer instead. `canary` is its value when
    the canary answered. `allow`: the networks (CIDR) that the address must lie in.
    """

    url: str
    path: str = "/"
    header: str = "X-Release-Phase"
    argument: str = "release_phase"
    cookie: str = "release_phase"
    track: str = "X-Track"
    build: str = ""
    canary: str = CANARY
    allow: tuple[str, ...] = ("127.0.0.0/8", "::1/128")


@dataclass(frozen=True)
class Request:
    """One request: its id, and the track that each of its marks asks for."""

    id: str
    marks: Mapping[Mark, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Landed:
    """What came back: the track that answered, the id and the header's mark as they were told ("": not told).

    `error`: why there was no answer; `status` is 0 then.
    """

    request: Request
    track: str = ""
    id: str = ""
    error: str = ""
    phase: str = ""
    status: int = 0


@dataclass(frozen=True)
class Dyeing:
    """What the requests showed: a sentence each, and what is wrong."""

    facts: tuple[str, ...]
    flaws: tuple[str, ...]
    order: tuple[str, ...]
    marked_reach_canary: bool | None


def requests(prefix: str, unmarked: int) -> tuple[Request, ...]:
    """Give what is sent: unmarked ones, ones with each mark alone, and every two marks against each other."""
    alone: list[dict[Mark, str]] = [{mark: CANARY} for mark in Mark for _ in range(_EACH)]
    against: list[dict[Mark, str]] = [{one: CANARY, other: BASELINE} for one in Mark for other in Mark if one != other]
    marks: list[dict[Mark, str]] = [*({} for _ in range(unmarked)), *alone, *against]
    return tuple(Request(f"{prefix}-{number}", each) for number, each in enumerate(marks, 1))


def read(front: Front, landed: Sequence[Landed], split: Split | None) -> Dyeing:
    """Say what the answers show, beside what the router says that it does (None: that is not known)."""
    answered = [each for each in landed if not each.error]
    if not answered:
        why = landed[0].error if landed else "nothing was sent"
        return Dyeing((), (f"{front.url} did not answer: {why}",), (), None)
    tracks = {mark: _tracks(answered, {mark: CANARY}) for mark in Mark}
    reached = {mark: tracks[mark][front.canary] for mark in Mark}
    told = any(each.track for each in answered)
    order = _order(front, answered)
    facts = [f"unmarked requests: {_counted(_tracks(answered, {}))}"]
    facts += [f"marked by {mark}: {_counted(tracks[mark])}" for mark in Mark if tracks[mark]]
    facts += [_ranking(order)] if order else []
    flaws = [*_failed(landed), *_ids(answered), *_phases(front, answered)]
    if not told:
        by = f"no key `{front.build}`" if front.build else f"no header `{front.track}`"
        return Dyeing((), (*flaws, f"no answer tells its track: {by}"), (), None)
    flaws += _against(split, reached, _tracks(answered, {})[front.canary])
    return Dyeing((*facts, *_kept(answered)), tuple(flaws), order, bool(sum(reached.values())))


def _tracks(answered: Iterable[Landed], marks: Mapping[Mark, str]) -> Counter[str]:
    return Counter(each.track or "unknown" for each in answered if each.request.marks == marks)


def _counted(tracks: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {track}" for track, count in sorted(tracks.items())) or "none answered"


def _order(front: Front, answered: Sequence[Landed]) -> tuple[str, ...]:
    """Give the marks, the strongest first; () where the answers make no order, or no mark is obeyed."""
    at = {
        (canary, baseline): each.track == front.canary
        for each in answered
        for canary in Mark
        for baseline in Mark
        if each.request.marks == {canary: CANARY, baseline: BASELINE}
    }
    wins = dict.fromkeys(Mark, 0)
    for one in Mark:
        for other in Mark:
            if one != other and at.get((one, other)) and at.get((other, one)) is False:
                wins[one] += 1
    ranked = sorted(Mark, key=lambda mark: -wins[mark])
    return tuple(ranked) if [wins[mark] for mark in ranked] == [2, 1, 0] else ()


def _ranking(order: Sequence[str]) -> str:
    return f"where marks differ, the {order[0]} wins over the {order[1]}, and that over the {order[2]}"


def _failed(landed: Sequence[Landed]) -> list[str]:
    errors = [each.error for each in landed if each.error]
    return [f"{len(errors)} of {len(landed)} requests were not answered: {errors[0]}"] if errors else []


def _ids(answered: Sequence[Landed]) -> list[str]:
    lost = [each for each in answered if not each.id]
    changed = [each for each in answered if each.id and each.id != each.request.id]
    flaws = [f"X-Request-ID does not come back on {len(lost)} of {len(answered)} answers"] if lost else []
    if changed:
        first = changed[0]
        flaws.append(
            f"X-Request-ID comes back changed on {len(changed)} of {len(answered)} answers "
            f"({first.request.id} came back as {first.id[:60]})"
        )
    return flaws


def _phases(front: Front, answered: Sequence[Landed]) -> list[str]:
    """Where the service tells the mark that it saw, it must be the one that was sent."""
    changed = [each for each in answered if each.phase and each.phase != each.request.marks.get(Mark.HEADER, "")]
    if not changed:
        return []
    sent = changed[0].request.marks.get(Mark.HEADER, "nothing")
    return [f"{front.header} reaches the service changed: {sent} was sent, {changed[0].phase[:40]} came back"]


def _kept(answered: Sequence[Landed]) -> list[str]:
    kept = sum(each.id == each.request.id for each in answered)
    return [f"X-Request-ID comes back unchanged on all {kept} answers"] if kept == len(answered) else []


def _against(split: Split | None, reached: Mapping[Mark, int], unmarked: int) -> list[str]:
    """Compare with what the router says: a closed canary gets nothing, an open one gets what is marked for it."""
    ways = [mark.value for mark in Mark if reached[mark]]
    if split is None:
        only = unmarked and not reached[Mark.HEADER]
        return ["unmarked requests reach the canary, and those marked for it by the header do not"] if only else []
    flaws = []
    if split.weight == 0 and unmarked:
        flaws.append(f"the router says that the canary gets nothing, and {unmarked} unmarked requests reached it")
    if split.dyed is False and ways:
        flaws.append(f"the canary is not closed: requests marked by {' or '.join(ways)} still reach it")
    if split.weight == 0 and split.dyed is None and ways:
        flaws.append(f"the weight is 0, and requests marked by {' or '.join(ways)} still reach the canary")
    if split.dyed and not reached[Mark.HEADER]:
        flaws.append("the router says that marked requests reach the canary, and by the header none does")
    return flaws
