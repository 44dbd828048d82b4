"""Run the benchmarks, all or the named ones: `python -m tests.bench [NAME ...]`.

Each module `bench_NAME.py` has `run() -> Iterable[Row]`. A figure beyond its bound is printed as missed and is no
error, since a loaded machine is not a defect; a benchmark that crashes is one.
"""

import argparse
import importlib
import pkgutil
import sys
import time
import traceback
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

import tests.bench
from tests.bench.row import Row

PREFIX = "bench_"
COLOURS = {"held": "green", "missed": "red"}


def names() -> list[str]:
    """Give the names of all benchmarks."""
    modules = pkgutil.iter_modules(tests.bench.__path__)
    return sorted(module.name.removeprefix(PREFIX) for module in modules if module.name.startswith(PREFIX))


def measure(name: str) -> Iterator[Row]:
    """Run one benchmark."""
    rows: list[Row] = list(importlib.import_module(f"tests.bench.{PREFIX}{name}").run())
    yield from rows


def table(rows: Sequence[tuple[str, Row]]) -> Table:
    """Lay the figures out."""
    shown = Table("benchmark", "figure of", "figure", "bound", "verdict", "notes", box=None, pad_edge=False)
    shown.columns[2].justify = "right"
    for name, row in rows:
        colour = COLOURS.get(row.verdict, "default")
        figure = f"{row.figure:.4g} {row.unit}".strip()
        shown.add_row(name, row.name, figure, row.bound, f"[{colour}]{row.verdict}[/]", row.notes)
    return shown


def main() -> int:
    """Run what was asked for; exit 1 only if a benchmark crashed."""
    known = names()
    options = argparse.ArgumentParser("python -m tests.bench", description="Print the figures and their bounds.")
    options.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(known)}")
    asked = options.parse_args().names or known
    if unknown := sorted(set(asked) - set(known)):
        options.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(known)}")
    rows: list[tuple[str, Row]] = []
    crashed = []
    for name in asked:
        started = time.monotonic()
        sys.stderr.write(f"{name} ...\n")
        try:
            rows += [(name, row) for row in measure(name)]
        except Exception:  # noqa: BLE001 - one that crashes must not take the others' figures along
            traceback.print_exc()
            crashed.append(name)
        sys.stderr.write(f"{name}: {time.monotonic() - started:.0f} s\n")
    Console(width=None if sys.stdout.isatty() else 160).print(table(rows))
    held = sum(row.verdict == "held" for _, row in rows)
    missed = sum(row.verdict == "missed" for _, row in rows)
    sys.stdout.write(f"{held} held, {missed} missed, {len(crashed)} crashed {' '.join(crashed)}\n")
    return 1 if crashed else 0


if __name__ == "__main__":
    sys.exit(main())
