"""Documents as they were written last: one of a long timeline takes a second, and of the same it has the same bytes."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from threading import Lock

from bot.domain.timeline import Entry

_MOST_CHARS = 8_000_000

Version = tuple[int, str, tuple[int, ...]]


def version_of(entries: Sequence[Entry]) -> Version:
    """Give what stands for a timeline as it is: its length, its last hash, and whose bodies were blanked.

    A body that is blanked leaves every hash what it was.
    """
    blanked = tuple([entry.seq for entry in entries if entry.body is None])
    return len(entries), entries[-1].hash if entries else "", blanked


class Written:
    """The latest version of each document, those that were asked for last, whoever asks and in which thread."""

    def __init__(self, most: int = _MOST_CHARS) -> None:
        self._most = most
        self._texts: OrderedDict[str, tuple[Hashable, str]] = OrderedDict()
        self._lock = Lock()

    def text(self, name: str, version: Hashable, write: Callable[[], str]) -> str:
        """Give a document in a version, written only if it is not the one that is kept."""
        with self._lock:
            kept = self._texts.pop(name, None)
        text = kept[1] if kept is not None and kept[0] == version else write()
        with self._lock:
            self._texts[name] = version, text
            while sum(len(each) for _, each in self._texts.values()) > self._most:
                self._texts.popitem(last=False)
        return text
