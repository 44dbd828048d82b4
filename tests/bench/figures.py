"""What benchmarks share: quantiles, and how loaded the machine is."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median


@contextmanager
def scratch() -> Iterator[Path]:
    """Give an empty folder that goes with its contents."""
    with tempfile.TemporaryDirectory(prefix="firstfive bench ") as folder:
        yield Path(folder)


def quantile(values: Sequence[float], share: float) -> float:
    """Give the smallest value that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(values: Sequence[float], scale: float = 1.0) -> str:
    """Tell the range that a median stands for."""
    low, middle, high = (scale * value for value in (min(values), median(values), max(values)))
    return f"{low:.3g} .. {middle:.3g} .. {high:.3g} of {len(values)}"


def load() -> str:
    """Tell how busy the machine is with other things too."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
