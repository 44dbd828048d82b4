"""What went on between two readings: cumulative profiles as differences, heaps and sockets held against each other."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from bot.domain.facts import Made, Spent
from bot.domain.profile import Profile, Sample
from bot.domain.stacks import Frame, in_handler, own_frame, own_path, waits_for

TOP = 20
"""Lines kept of each kind."""
NANOSECONDS = 1e9
UNLOCKS = ("sync.(*Mutex).Unlock", "sync.(*RWMutex).Unlock", "sync.(*RWMutex).RUnlock")
"""The mutex profile also holds what the runtime's own locks cost, which is nobody's line."""
PATH = 12


def difference(before: Profile, after: Profile) -> tuple[Sample, ...]:
    """Give what a cumulative profile gained: samples by stack, without those where nothing changed."""
    known: dict[tuple[Frame, ...], list[int]] = {}
    for sample in before.samples:
        sums = known.setdefault(sample.stack, [0] * len(sample.values))
        for at, value in enumerate(sample.values):
            sums[at] += value
    merged: dict[tuple[Frame, ...], list[int]] = {}
    for sample in after.samples:
        sums = merged.setdefault(sample.stack, [0] * len(sample.values))
        for at, value in enumerate(sample.values):
            sums[at] += value
    gained = []
    for stack in known.keys() | merged.keys():
        width = len(before.types)
        old, new = known.get(stack, [0] * width), merged.get(stack, [0] * width)
        values = tuple(late - early for early, late in zip(old, new, strict=False))
        if any(values):
            gained.append(Sample(stack, values))
    return tuple(gained)


def spent(before: Profile, after: Profile, module: str, *, unlocking: bool = False) -> tuple[Spent, ...]:
    """Add up a mutex or block profile's gain by own line, most time first."""

    def counts(stack: Sequence[Frame]) -> bool:
        return not unlocking or any(frame.function in UNLOCKS for frame in stack)

    times, delay = after.index("contentions"), after.index("delay")
    sums: dict[Frame, list[float]] = defaultdict(lambda: [0, 0.0])
    ways: dict[Frame, tuple[tuple[Frame, ...], str]] = {}
    for sample in difference(before, after):
        frame = own_frame(sample.stack, module) if counts(sample.stack) else None
        if frame is None or sample.values[delay] <= 0:
            continue
        sums[frame][0] += sample.values[times]
        sums[frame][1] += sample.values[delay] / NANOSECONDS
        ways.setdefault(frame, (own_path(sample.stack, module)[:PATH], waits_for(sample.stack)))
    found = [Spent(frame, int(number), round(lost, 4), *ways[frame]) for frame, (number, lost) in sums.items()]
    return tuple(sorted(found, key=lambda each: (-each.seconds, str(each.frame)))[:TOP])


def made(before: Profile, after: Profile, module: str, servers: AbstractSet[str]) -> tuple[Made, ...]:
    """Add up a heap profile's gain by own line: those that allocated most, and those that grew most."""
    changed = _by_line(difference(before, after), module, servers)
    at_end = _by_line(after.samples, module, servers)
    space, inuse = after.index("alloc_space"), after.index("inuse_space")
    found = [
        Made(
            frame,
            max(values[space], 0),
            values[inuse],
            at_end[frame][0][inuse],
            max(at_end[frame][0][space] - at_end[frame][0][inuse], 0),
            request,
        )
        for frame, (values, request) in changed.items()
        if frame in at_end
    ]
    top = sorted(found, key=lambda each: (-each.allocated, str(each.frame)))[:TOP]
    return (*top, *(each for each in sorted(found, key=_least_grown)[:TOP] if each not in top))


def _least_grown(each: Made) -> tuple[int, str]:
    return (-each.grown, str(each.frame))


def _by_line(
    samples: Sequence[Sample], module: str, servers: AbstractSet[str]
) -> Mapping[Frame, tuple[list[int], bool]]:
    sums: dict[Frame, tuple[list[int], bool]] = {}
    for sample in samples:
        if (frame := own_frame(sample.stack, module)) is None:
            continue
        values, request = sums.get(frame, ([0] * len(sample.values), False))
        added = [have + value for have, value in zip(values, sample.values, strict=True)]
        sums[frame] = (added, request or in_handler(sample.stack, servers))
    return sums


def total(samples: Sequence[Sample], at: int) -> int:
    """Add up one value of samples."""
    return sum(sample.values[at] for sample in samples)
