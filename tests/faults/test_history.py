"""Whoever holds histories to their word must see every way to break it."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.faults.killing.history import History, check
from tests.faults.killing.log import Line

FATE = "inside sop.escalate"
STEP = {"run": "main", "playbook": "sop", "step": "escalate", "part": ""}
PAGED = {**STEP, "what": "effect", "part": "U2:0", "name": "pager.page", "key": "k"}
ACCOUNT: dict[str, Any] = {
    "breaks": [],
    "runs": {"main": ["sop", "done", ""]},
    "entries": {"INC-1 main": ["note", "escalated"]},
    "alerts": [],
    "marks": [],
    "replies": {"run:main": "Paged at 12:00."},
}


def life(process: int, *known: str) -> list[Line]:
    told: list[Line] = [{"what": "up", "known": list(known)}, {"what": "begun", **STEP}, PAGED]
    return [{"process": process, **deepcopy(line)} for line in told]


def death() -> Line:
    return {"process": 1, "what": "death", "at": FATE}


def history() -> History:
    """Give a history whose first process dies after it has paged somebody."""
    return History([*life(1), death(), *life(2, "main gates")], deepcopy(ACCOUNT))


def spoil(what: str, value: Any) -> Callable[[History], object]:
    return lambda told: told.account.update({what: value})


def known(key: str) -> Callable[[History], object]:
    return lambda told: told.log[4]["known"].append(key)


FLAWS: dict[str, Callable[[History], object]] = {
    "a chain that does not verify": spoil("breaks", ["entry 2: does not link to entry 1"]),
    "a run that failed": spoil("runs", {"main": ["sop", "failed", "?"]}),
    "a run too many": spoil("runs", {**ACCOUNT["runs"], "other": ["sop", "done", ""]}),
    "an entry lost": spoil("entries", {"INC-1 main": ["escalated"]}),
    "an entry doubled": spoil("entries", {"INC-1 main": ["note", "escalated", "escalated"]}),
    "entries in another order": spoil("entries", {"INC-1 main": ["escalated", "note"]}),
    "an answer lost": spoil("replies", {}),
    "an answer doubled": spoil("replies", {**ACCOUNT["replies"], "again": "Paged."}),
    "another answer": spoil("replies", {"run:main": "Not paged at 12:00."}),
    "alerts left as they were": spoil("alerts", [["g", "", "", False, 0, 0, 0]]),
    "something remembered": spoil("marks", ["digest:shop"]),
    "a step done again": known("main step:escalate"),
    "a part done again": known("main part:escalate:U2:0"),
    "an effect with another key": lambda told: told.log[-1].update(key="other"),
    "an effect doubled in one life": lambda told: told.log.append(told.log[-1]),
    "an effect skipped": lambda told: [told.log.pop(), told.log.pop(2)],
    "a step begun twice in one life": lambda told: told.log.append(told.log[-2]),
    "nobody died": lambda told: told.log.pop(3),
    "somebody died twice": lambda told: told.log.append(death()),
}


def test_a_history_like_the_one_without_a_death_is_right() -> None:
    check(history(), FATE, History(life(1), ACCOUNT))


@pytest.mark.parametrize("flaw", FLAWS)
def test_every_flaw_is_seen(flaw: str) -> None:
    told = history()
    FLAWS[flaw](told)
    with pytest.raises(AssertionError):
        check(told, FATE, History(life(1), ACCOUNT))
