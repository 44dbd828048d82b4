"""What was made last of things that change: of a long timeline it takes a second, and of the same it is the same."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import Generic, TypeVar

from bot.domain.timeline import Entry

T = TypeVar("T")
Version = tuple[int, str, tuple[int, ...]]


def version_of(entries: Sequence[Entry]) -> Version:
    """Give what stands for a timeline as it is: its length, its last hash, and whose bodies were blanked.

    A body that is blanked leaves every hash what it was.
    """
    blanked = tuple([entry.seq for entry in entries if entry.body is None])
    return len(entries), entries[-1].hash if entries else "", blanked


class Latest(Generic[T]):
    """The latest version of each thing, those that were asked for last, whoever asks and in which thread.

    As many are kept as weigh `most` together, each at least 1.
    """

    def __init__(self, most: int, weigh: Callable[[T], int]) -> None:
        self._most, self._weigh = most, weigh
        self._made: OrderedDict[Hashable, tuple[object, T]] = OrderedDict()
        self._lock = Lock()

    def of(self, name: Hashable, version: object, make: Callable[[], T]) -> T:
        """Give a thing in a version, made only if it is not the one that is kept."""
        with self._lock:
            kept = self._made.pop(name, None)
        made = kept[1] if kept is not None and kept[0] == version else make()
        with self._lock:
            self._made[name] = version, made
            while sum(max(self._weigh(each), 1) for _, each in self._made.values()) > self._most:
                self._made.popitem(last=False)
        return made
