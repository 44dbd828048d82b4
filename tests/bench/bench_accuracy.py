"""How often the product names what is wrong, on every service of the grid; its tables go to standard error.

Each case is looked at once. The first service is the one that the rules were written beside; the others were written by
people who had not read them.
"""

from collections.abc import Iterable

from rich.console import Console

from tests.bench.figures import load
from tests.bench.row import Row
from tests.grid.accuracy import accuracy, confusion, failures, false_alarms, kinds, summary
from tests.grid.cases import healthy_cases, sick_cases
from tests.grid.run import run as run_cases
from tests.grid.services import services

OWN, FOREIGN = 95, 90


def run() -> Iterable[Row]:
    """Run the whole grid of each service."""
    known, console = services(), Console(stderr=True, width=160)
    for name in known:
        outcomes = list(run_cases(known, [*sick_cases(name), *healthy_cases(name)]))
        console.print(f"{name}: {summary(outcomes)}")
        for part in (kinds(outcomes), confusion(outcomes), *failures(outcomes)):
            console.print(part, markup=False, highlight=False)
        bound = OWN if name == "checkout" else FOREIGN
        yield Row(
            f"{name}, fault named", accuracy(outcomes), "%", at_least=bound, notes=f"{summary(outcomes)}; {load()}"
        )
        yield Row(f"{name}, false alarms", false_alarms(outcomes), at_most=0)
