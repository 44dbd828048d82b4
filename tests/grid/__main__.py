"""Run the grid by hand: `python -m tests.grid [--service NAME] [--like PART] [--windows N] [--out FILE]`.

`--keep FOLDER`: what is captured stays there.
`--from FOLDER`: no process is started; what was kept there is judged by the rules of now.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from tests.grid.accuracy import confusion, failures, kinds, summary
from tests.grid.cases import WINDOWS, Case, healthy_cases, sick_cases
from tests.grid.corpus import judge, keep, kept
from tests.grid.run import Outcome, run
from tests.grid.services import services


def main() -> int:
    """Run what was asked for and print how it went; 1 if something went wrong."""
    known = services()
    options = argparse.ArgumentParser("python -m tests.grid", description=__doc__)
    options.add_argument("--service", choices=sorted(known), default="checkout")
    options.add_argument("--like", default="", help="only cases whose name holds this, with commas between several")
    options.add_argument("--windows", type=int, default=WINDOWS, help="how many healthy windows")
    options.add_argument("--out", type=Path, help="a file for the report as well")
    options.add_argument("--keep", type=Path, help="a folder for what is captured")
    options.add_argument("--from", dest="corpus", type=Path, help="a folder of captures, to be judged again")
    asked = options.parse_args()
    outcomes: list[Outcome] = []
    started = time.monotonic()
    for outcome in _judged(asked) if asked.corpus else run(known, _cases(asked)):
        outcomes.append(outcome)
        sys.stderr.write(f"{time.monotonic() - started:5.0f} s  {outcome.case}: {outcome.complaint or 'right'}\n")
        if asked.keep:
            keep(asked.keep, outcome)
    if asked.out:
        with asked.out.open("a") as file:
            show(Console(file=file, width=200), asked.service, outcomes)
    show(Console(width=200), asked.service, outcomes)
    return int(any(outcome.complaint for outcome in outcomes))


def _cases(asked: argparse.Namespace) -> list[Case]:
    every = [*sick_cases(asked.service), *healthy_cases(asked.service, asked.windows)]
    return [case for case in every if _is_like(asked, str(case))]


def _judged(asked: argparse.Namespace) -> Iterator[Outcome]:
    return (judge(archive)[0] for archive in kept(asked.corpus) if _is_like(asked, archive.name))


def _is_like(asked: argparse.Namespace, name: str) -> bool:
    return any(part in name for part in asked.like.split(","))


def show(console: Console, service: str, outcomes: list[Outcome]) -> None:
    """Print the tables and what went wrong."""
    console.print(f"{service}: {summary(outcomes)}")
    for part in (kinds(outcomes), confusion(outcomes), *failures(outcomes)):
        console.print(part, markup=False, highlight=False)


if __name__ == "__main__":
    sys.exit(main())
