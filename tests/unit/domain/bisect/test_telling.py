"""What people are told of a bisect's answer: the same words on the card, in a message, on a terminal."""

import json

from bot.domain.bisect.question import Answer, Find, Kind
from bot.domain.bisect.standing import Sought
from bot.domain.bisect.telling import Made, Told, headline, lines, shown, told
from tests.unit.domain.bisect.histories import name

SOUGHT = Sought("TestPay of ./payment", new="main", old="v1.12.0")
SPENT = (
    "15 test runs (7 to search, 2 at the ends, 5 to prove it, 1 stopped as needless) in 41 s, among 200 commits from "
    "v1.12.0 to main."
)
RUNS = {"search": 7, "ends": 2, "retest": 5, "moot": 1}
MADE = {
    name(number): Made(
        name(number), "Ada", "ada@example.com", "2026-03-01T12:00:00+00:00", f"Change {number}", ("pay/pay.go",)
    )
    for number in range(30)
}


def _told(answer: Answer, sought: Sought = SOUGHT) -> Told:
    """Give it as it is read from an entry of the timeline."""
    kept = json.loads(json.dumps(told(sought, answer, MADE, 200, 41.2).facts()))
    read = Told.read({**kept, "log": "0f" * 32})
    assert read == told(sought, answer, MADE, 200, 41.2)
    return read


def test_a_culprit_has_its_author_its_files_and_what_it_cost() -> None:
    answer = Answer(Kind.CULPRIT, "The test is bad at it.", name(7), 0.996, runs=RUNS)
    assert lines(_told(answer)) == [
        f"*Culprit {name(7)[:10]}* by Ada, 99.6 % sure: Change 7",
        "The test is bad at it.",
        "It changed pay/pay.go.",
        SPENT,
    ]


def test_of_many_files_a_few_are_named() -> None:
    files = tuple(f"{letter}.go" for letter in "abcde")
    it = Told(SOUGHT, Kind.CULPRIT, "Why.", 0.99, (Made(name(1), files=files),))
    assert headline(it) == f"*Culprit {name(1)[:10]}*, 99.0 % sure"
    assert "It changed a.go, b.go, c.go and 2 more." in lines(it)


def test_suspects_are_a_list_that_ends() -> None:
    answer = Answer(Kind.SUSPECTS, "It cannot run between.", confidence=1.0, suspects=tuple(map(name, range(3, 11))))
    said = lines(_told(answer))
    assert said[0] == "*One of 8 commits broke TestPay of ./payment.*"
    assert said[2] == f"• {name(3)[:10]} by Ada: Change 3"
    assert said[7] == "• and 3 more"
    assert len(shown(answer)) == 5
    assert _told(answer).culprit is None


def test_the_other_answers_blame_nobody() -> None:
    heads = {
        Kind.FLAKY: "*No culprit: TestPay of ./payment is flaky*, 96 % sure.",
        Kind.REFUTED: "*TestPay of ./payment cannot be bisected like this.*",
        Kind.UNDECIDED: "*It is not decided which commit mended TestPay of ./payment.*",
    }
    sought = Sought(SOUGHT.what, SOUGHT.new, SOUGHT.old, Find.FIX)
    for kind, head in heads.items():
        it = _told(Answer(kind, "Why it is so.", confidence=0.96, runs={"search": 1}), sought)
        assert lines(it) == [head, "Why it is so.", "1 test run in 41 s, among 200 commits from v1.12.0 to main."]
        assert it.culprit is None


def test_an_unknown_old_end_is_left_out() -> None:
    it = Told(Sought("TestPay", "main"), Kind.REFUTED, "Bad at every commit.", runs={"ends": 4}, elapsed_s=3.0)
    assert lines(it)[-1] == "4 test runs in 3 s, up to main."
