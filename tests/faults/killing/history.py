"""A history with deaths against the one without: nothing lost, nothing skipped, nothing done twice that was done."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.killing.log import EVERY_COMMIT, EVERY_EFFECT, Line, lines

# Moments, measured times, and what hashes and sizes of bytes with moments in them become. Whether a run that goes on
# beside another one knows of a beginning already, and counts from there, is a matter of time as well.
_MOMENTS = re.compile(
    r"#?\b[0-9a-f]{12,64}\b|\d{16}|\d\d:\d\d(:\d\d)?|\d+\.\d+|(?<=bytes\": )\d+|(?<=bytes\\\": )\d+|\d+ (?=bytes)"
    r"|((?<=in )|(?<=: )|(?<=after ))\d+(?= s\b)|(?<=not done within )\d+ min( \d+ s)?"
    r"|\b\d+ s (ago|before it started)"
)
# Whatever is not known to ask only is held to change something.
_ASKS = re.compile(
    r"anchors\.lines|archive\..*|artifacts\.get|directory\..*|fronts\..*|logs\..*|metrics\..*|pager\.answered|prober\..*|repository\..*|rota\..*|router\.(earlier|plan|read)|switches\.read|targets\..*|transcript\..*"
)


@dataclass(frozen=True)
class History:
    """What the processes wrote while they lived, and the account that the last of them gave."""

    log: list[Line]
    account: dict[str, Any]

    @property
    def deaths(self) -> list[str]:
        """Where processes died."""
        return [line["at"] for line in self.log if line["what"] == "death"]


def read(folder: Path) -> History:
    """Read what processes have left in a folder."""
    return History(lines(folder / "log"), json.loads((folder / "account").read_text()))


def check(history: History, fate: str, without: History) -> None:
    """Hold a history to the one without a death."""
    _check_deaths(history, fate, without)
    assert history.account["breaks"] == []
    assert _timeless(history.account) == _timeless(without.account)
    _check_steps(history)
    _check_world(history, without)


def _timeless(account: dict[str, Any]) -> Any:
    """Give an account without what differs from one day to the next."""
    return json.loads(_MOMENTS.sub("#", json.dumps(account)))


def _check_deaths(history: History, fate: str, without: History) -> None:
    if fate == EVERY_EFFECT:
        assert len(history.deaths) == len({_at(line) for line in without.log if line["what"] == "effect"})
    elif fate == EVERY_COMMIT:
        assert history.deaths
    else:
        assert history.deaths == ([fate] if fate else [])
    assert sum(line["what"] == "up" for line in history.log) == len(history.deaths) + 1


def _check_steps(history: History) -> None:
    """Nothing is done again that was in the journal when the process came up: no step, and no part of one."""
    known: set[str] = set()
    begun: Counter[tuple[int, str]] = Counter()
    for line in history.log:
        if line["what"] == "up":
            known = set(line["known"])
        elif line["what"] in {"begun", "effect"}:
            step = f"{line['run']} step:{line['step']}"
            assert step not in known, f"{step} was done, and is done again"
            part = f"{line['run']} part:{line['step']}:{line['part']}"
            assert not line["part"] or part not in known, f"{part} was done, and is done again"
        if line["what"] == "begun":
            begun[line["process"], f"{line['run']} {line['step']}"] += 1
    assert set(begun.values()) <= {1}


def _check_world(history: History, without: History) -> None:
    """The world is changed as without a death: to no other end, and by one life no more often."""
    assert _ends(history.log) == _ends(without.log)
    for life in {line["process"] for line in history.log}:
        changes = _changes(line for line in history.log if line["process"] == life)
        assert not changes - _changes(without.log)


def _changes(log: Iterable[Line]) -> Counter[str]:
    """Count how the world was changed, whatever the moments in names and bytes."""
    return Counter(_MOMENTS.sub("#", _name(line)) for line in log if line["what"] == "effect" and _is_change(line))


def _ends(log: Iterable[Line]) -> Counter[str]:
    """Count the changes that a world which knows repeats has seen."""
    seen = {_name(line): line for line in log if line["what"] == "effect"}
    return _changes(seen.values())


def _is_change(effect: Line) -> bool:
    return not _ASKS.fullmatch(effect["name"])


def _name(effect: Line) -> str:
    return f"{effect['name']} {effect['key']}"


def _at(effect: Line) -> str:
    return f"{effect['run']} {effect['step']} {effect['part']} {_name(effect)}"
