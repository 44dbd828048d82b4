"""What people are told of a bisect's answer: the same words on the card, in a message, on a terminal."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot.domain.bisect.bisected import Asked, Bisected
from bot.domain.bisect.history import Described
from bot.domain.bisect.question import Find, Kind
from bot.domain.bisect.telling import Made, Told, headline, lines, of, sought, summary
from tests.unit.domain.bisect.histories import name

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ASKED = Asked("/srv/shop.git", name(0), name(200), "v1.12.0", "main", test="TestPay", package="payment")
RUNS = {"search": 7, "ends": 2, "retest": 5, "moot": 1}
SPENT = (
    "15 test runs (7 to search, 2 at the ends, 5 to prove it, 1 stopped as needless) in 41 s, among 200 commits from "
    "v1.12.0 to main."
)


def _came_out(kind: Kind, why: str = "Why it is so.", asked: Asked = ASKED, **more: Any) -> Bisected:
    return Bisected(kind, None, 0.966, 15, why, "", asked, 200, 41.2, **{"runs": RUNS, **more})


def _culprit(files: tuple[str, ...] = ("pay/pay.go",), message: str = "\nChange 7\n\nIt is *that*.") -> Bisected:
    out = _came_out(Kind.CULPRIT, "The test is bad at it.", author="Ada", email="a@b.c", at=AT, message=message)
    return replace(out, culprit=name(7), confidence=0.996, files=files)


def _read(it: Bisected) -> Told:
    """Give it as it is read from an entry of the timeline."""
    kept = json.loads(json.dumps(of(it).facts()))
    read = Told.read({**kept, "artifact": "0f" * 32})
    assert read == of(it)
    return read


def test_a_culprit_has_its_author_its_files_and_what_it_cost() -> None:
    it = _read(_culprit())
    assert lines(it) == [
        f"*Culprit {name(7)[:10]}* by Ada, 99.6 % sure: Change 7",
        "The test is bad at it.",
        "It changed pay/pay.go.",
        SPENT,
    ]
    assert it.culprit == Made(name(7), "Ada", "a@b.c", AT.isoformat(), "Change 7", ("pay/pay.go",), 1)
    assert summary(it).startswith(f"Culprit {name(7)[:10]} by Ada, 99.6 % sure: Change 7\nThe test is bad at it.\nIt")


def test_of_many_files_a_few_are_named_and_nothing_is_said_of_what_is_not_known() -> None:
    it = _read(_culprit(tuple(f"{letter}.go" for letter in "abcde"), message=""))
    assert headline(it) == f"*Culprit {name(7)[:10]}* by Ada, 99.6 % sure"
    assert "It changed a.go, b.go, c.go and 2 more." in lines(it)
    assert "a.go, b.go, c.go and 997 more." in lines(_read(_culprit(("a.go", "b.go", "c.go") + ("d.go",) * 997)))[2]
    assert lines(_read(_culprit(()))) == [headline(_read(_culprit())), "The test is bad at it.", SPENT]


def test_suspects_are_a_list_that_ends() -> None:
    listed = tuple(Described(name(each), "Ada", "a@b.c", AT, f"Change {each}", ()) for each in range(3, 9))
    it = _read(_came_out(Kind.SUSPECTS, suspects=listed, suspected=8))
    said = lines(it)
    assert said[0] == "*One of 8 commits broke TestPay of ./payment*, 96 % sure."
    assert said[2] == f"• {name(3)[:10]} by Ada: Change 3"
    assert said[7] == "• and 3 more"
    assert it.culprit is None


def test_the_only_commit_whose_parent_cannot_run_may_have_company() -> None:
    listed = (Described(name(3), "Ada", "a@b.c", AT, "Change 3", ()),)
    it = _read(_came_out(Kind.SUSPECTS, suspects=listed, suspected=1))
    assert headline(replace(it, confidence=0.0)) == f"*{name(3)[:10]} or an older commit broke TestPay of ./payment*."


def test_who_mended_it_is_not_called_a_culprit() -> None:
    it = _read(replace(_culprit(), asked=replace(ASKED, find=Find.FIX)))
    assert headline(it) == f"*Mended in {name(7)[:10]}* by Ada, 99.6 % sure: Change 7"


def test_the_other_answers_blame_nobody() -> None:
    heads = {
        Kind.FLAKY: "*No culprit: make check is flaky*, 96 % sure.",
        Kind.REFUTED: "*make check cannot be bisected like this.*",
        Kind.UNDECIDED: "*It is not decided which commit mended make check.*",
    }
    asked = replace(ASKED, find=Find.FIX, test="", command=("make", "check"), good="main", bad="")
    spent = "1 test run in 41 s, among 200 commits from 0000000000 to main."
    for kind, head in heads.items():
        it = _read(_came_out(kind, asked=asked, runs={"search": 1}))
        assert lines(it) == [head, "Why it is so.", spent]
        assert it.culprit is None


def test_a_long_command_is_cut_and_an_end_that_nobody_named_is_named_by_its_commit() -> None:
    asked = replace(ASKED, test="", command=("sh", "-c", "x" * 200), good="", bad="")
    it = sought(asked)
    assert (len(it.what), it.what[-1]) == (80, "…")
    assert (it.old, it.new) == (name(0)[:10], "HEAD")
    assert lines(_read(_came_out(Kind.REFUTED, asked=replace(asked, old=""))))[-1].endswith(" up to HEAD.")


def test_what_an_earlier_run_had_found_is_said_to_be() -> None:
    it = _read(replace(_culprit(), earlier="r1"))
    assert lines(it)[-1] == "Run r1 had found this; `fresh=yes` searches again."
