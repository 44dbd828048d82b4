"""What a run of the grid comes to: how often it was right, who was taken for whom, what was said where it was wrong."""

from collections import Counter
from collections.abc import Sequence

from rich.table import Table

from tests.grid.cases import CLASSES
from tests.grid.run import Outcome

NOTHING = "nothing"


def accuracy(outcomes: Sequence[Outcome]) -> float:
    """Give the share of sick cases whose fault was named on the right target, in percent."""
    sick = [outcome for outcome in outcomes if outcome.case.expected]
    return 100 * sum(not outcome.complaint for outcome in sick) / max(len(sick), 1)


def false_alarms(outcomes: Sequence[Outcome]) -> int:
    """Count the healthy windows in which something was found."""
    return sum(bool(outcome.complaint) for outcome in outcomes if not outcome.case.expected)


def summary(outcomes: Sequence[Outcome]) -> str:
    """Say it in a line."""
    sick = sum(bool(outcome.case.expected) for outcome in outcomes)
    return (
        f"{accuracy(outcomes):.1f} % of {sick} sick cases right, "
        f"{false_alarms(outcomes)} false alarms in {len(outcomes) - sick} healthy windows"
    )


def kinds(outcomes: Sequence[Outcome]) -> Table:
    """Lay out how many were right, by what was sick and how."""
    table = Table("cases", "right", "of", box=None, pad_edge=False)
    for kind in dict.fromkeys(outcome.case.kind for outcome in outcomes):
        some = [outcome for outcome in outcomes if outcome.case.kind == kind]
        table.add_row(kind, str(sum(not outcome.complaint for outcome in some)), str(len(some)))
    return table


def confusion(outcomes: Sequence[Outcome]) -> Table:
    """Lay out what was called what, by the first finding."""
    called = Counter((next(iter(o.case.expected), NOTHING), o.verdict or NOTHING) for o in outcomes)
    names = [name for name in (*CLASSES, NOTHING) if any(name in pair for pair in called)]
    columns = [*names, *sorted({found for _, found in called} - set(names))]
    table = Table("is \\ called", *columns, box=None, pad_edge=False)
    for name in names:
        counts = [called[name, column] for column in columns]
        table.add_row(name, *(str(count or "") for count in counts))
    return table


def failures(outcomes: Sequence[Outcome]) -> list[str]:
    """Tell of each that went wrong: what was on, what is wrong, what was said."""
    return [
        f"{outcome.case}: {outcome.complaint}\n  on: {', '.join(outcome.switches) or NOTHING}\n  said: {outcome.said}"
        for outcome in sorted(outcomes, key=lambda each: str(each.case))
        if outcome.complaint
    ]
