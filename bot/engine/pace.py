"""How many tests of a bisect run at once: as many as keep the cores busy."""

from math import ceil

from bot.ports import Prober

_SPARE, _NONE = 0.5, 0.1
"""Idle cores from which more tests are begun, and below which no more than the cores themselves are."""


class Pace:
    """Begins with a test for each core. Where tests wait more than they compute, more of them fill the cores."""

    def __init__(self, prober: Prober) -> None:
        self._prober = prober
        self.width = min(prober.cores, prober.workers)

    def look(self, running: int) -> bool:
        """See what the cores do while so many run; tell whether more may run now."""
        idle, before = self._prober.idle(), self.width
        if idle >= _SPARE and running >= self.width:
            self.width = min(self._prober.workers, self.width + ceil(idle))
        elif idle < _NONE:
            self.width = max(min(self._prober.cores, self.width), self.width - 1)
        return self.width > before
