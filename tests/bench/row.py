"""One figure of a benchmark."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A figure, its unit, the bound it is held to (if it is), and what it was measured with (seed, sizes)."""

    name: str
    figure: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None
    notes: str = ""

    @property
    def bound(self) -> str:
        """The bound as text."""
        sides = [("<=", self.at_most), (">=", self.at_least)]
        return " ".join(f"{sign} {limit:g}" for sign, limit in sides if limit is not None)

    @property
    def verdict(self) -> str:
        """`held`, `missed`, or nothing when there is no bound."""
        if not self.bound:
            return ""
        over = self.at_most is not None and self.figure > self.at_most
        under = self.at_least is not None and self.figure < self.at_least
        return "missed" if over or under else "held"
