"""Each class has the picture that proves it, and what is to blame stands out in it."""

from dataclasses import replace

import pytest

from bot.domain.bars import MOST, of_groups
from bot.domain.facts import Facts, Process, Sockets
from bot.domain.faults import Finding
from bot.domain.flame_drawing import BLAME
from bot.domain.goroutines import Group
from bot.domain.proof import WIDTH, blamed_functions, prove
from bot.domain.stacks import Frame
from tests.unit.domain.captures import CHAN_RECEIVE, LOCK, cpu, facts_of, goroutines, heap, leaks, parts_of
from tests.unit.domain.go_profiles import SERVE, main_frame
from tests.unit.domain.pixels import coloured, pixels

ENCODE = main_frame("encode", 56)
GET = main_frame("(*pool).Get", 31)


def finding(fault: str, claim: str = "", fix: str = "") -> Finding:
    return Finding(fault, "checkout-2", claim, (), fix)


def test_the_cpu_proves_what_takes_it() -> None:
    contents = {"cpu": cpu(((Frame("runtime.mallocgc"), ENCODE, *SERVE), 60), ((main_frame("other"), *SERVE), 40))}
    drawn = prove(
        finding("gc-pressure", f"60 % is spent for {ENCODE}."),
        facts_of("checkout-2", None, **contents),
        parts_of("checkout-2", contents),
    )
    assert drawn is not None
    assert drawn.words == (
        "gc-pressure on checkout-2. CPU: 1.00 s in 2.0 s, 0.50 cores busy. 60 % in main.encode (main.go:56)"
    )
    shown = pixels(drawn.png)
    assert len(shown[0]) == WIDTH
    row = max(shown, key=lambda row: row.count(BLAME.to_bytes(3, "big")))
    assert row.count(BLAME.to_bytes(3, "big")) == pytest.approx(0.6 * (WIDTH - 28), abs=2)


def test_the_heap_proves_who_holds_it() -> None:
    contents = {"heap": heap(((ENCODE, *SERVE), 90_000_000), ((main_frame("x"),), 10_000_000))}
    claim = f"100 MB of live heap, 90 % of it held by {ENCODE}."
    drawn = prove(
        finding("heap-growth", claim), facts_of("checkout-2", None, **contents), parts_of("checkout-2", contents)
    )
    assert drawn is not None
    assert "Heap in use: 100 MB. 90 % in main.encode (main.go:56)" in drawn.words


def test_goroutines_prove_who_waits() -> None:
    contents = {"goroutine": goroutines(((*CHAN_RECEIVE, GET, *SERVE), 90), ((*LOCK, main_frame("rest")), 10))}
    drawn = prove(
        finding("pool-exhaustion", f"90 of 100 requests wait for their turn at {GET}."),
        facts_of("checkout-2", None, **contents),
        parts_of("checkout-2", contents),
    )
    assert drawn is not None
    assert drawn.words.endswith("100 goroutines. 90 chan receive at main.(*pool).Get (main.go:31)")
    assert coloured(pixels(drawn.png), BLAME) > 100


def test_leaked_goroutines_are_all_to_blame_and_the_others_are_one_bar() -> None:
    stack = (*CHAN_RECEIVE, GET)
    contents = {"goroutine": goroutines((stack, 40), (SERVE, 60)), "goroutineleak": leaks((stack, 40))}
    drawn = prove(
        finding("goroutine-leak", "40 of 100 goroutines are leaked."),
        facts_of("checkout-2", None, **contents),
        parts_of("checkout-2", contents),
    )
    assert drawn is not None
    assert drawn.words.endswith("40 leaked: chan receive at main.(*pool).Get (main.go:31)")


def test_sockets_prove_what_they_exhaust() -> None:
    facts = Facts(
        "checkout-2",
        sockets=Sockets((("ESTABLISHED", 20), ("TIME_WAIT", 5))),
        process=Process(7, peer="10.0.0.9:5432", peer_sockets=900),
    )
    drawn = prove(finding("socket-exhaustion"), facts, ())
    assert drawn is not None
    assert drawn.words.endswith("sockets at its ports. 900 opened to 10.0.0.9:5432")


def test_without_its_profile_the_goroutines_are_drawn_and_without_any_nothing() -> None:
    drawn = prove(finding("cpu-hotspot"), facts_of("checkout-2"), ())
    assert drawn is not None
    assert "10 goroutines" in drawn.words
    assert prove(finding("cpu-hotspot"), Facts("checkout-2"), ()) is None


def test_what_no_picture_proves_is_not_drawn() -> None:
    assert prove(finding("probe-loop"), facts_of("checkout-2"), parts_of("checkout-2", {})) is None


def test_a_broken_profile_is_none() -> None:
    (part, *_) = parts_of("checkout-2", {"cpu": b"no profile"})[2:]
    assert part.part == "cpu"
    assert prove(finding("cpu-hotspot"), Facts("checkout-2"), [part]) is None


def test_the_largest_groups_are_shown_and_what_is_to_blame_even_where_it_is_small() -> None:
    groups = tuple(Group(100 - n, "select", (main_frame(f"f{n}"),)) for n in range(20))
    facts = replace(facts_of("checkout-2"), groups=groups, goroutines=sum(each.count for each in groups) + 50)
    shown = of_groups(facts, frozenset({"main.f19"}))
    assert len(shown) == MOST
    assert [bar.is_blamed for bar in shown] == [*[False] * (MOST - 2), True, False]
    assert sum(bar.count for bar in shown) == facts.goroutines


@pytest.mark.parametrize(
    ("claim", "fix", "functions"),
    [
        ("most at main.(*T).M[go.shape.int] (a/b.go:3).", "x main.f (c/d.go:4)", {"main.(*T).M[go.shape.int]"}),
        ("9 are leaked (all): nothing wakes them.", f"End what waits at {GET}: close it.", {"main.(*pool).Get"}),
        ("9 wait at main.a (a/b.go:3) and main.b (a/b.go:9) for a lock.", "x", {"main.a", "main.b"}),
        ("nothing", "named", set()),
    ],
)
def test_the_claim_or_else_the_fix_names_what_is_to_blame(claim: str, fix: str, functions: set[str]) -> None:
    assert blamed_functions(finding("x", claim, fix)) == functions


def test_the_same_finding_gives_the_same_bytes() -> None:
    contents = {"cpu": cpu(((ENCODE, *SERVE), 60))}
    twice = [prove(finding("cpu-hotspot"), facts_of("c", None, **contents), parts_of("c", contents)) for _ in range(2)]
    assert twice[0] == twice[1] is not None
