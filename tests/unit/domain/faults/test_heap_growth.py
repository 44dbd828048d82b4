"""A heap that grows, and one that only is large."""

from bot.domain.faults.finding import CERTAIN
from tests.unit.domain.captures import allocs, facts_of, failed_probe, heap, twice
from tests.unit.domain.faults.found import classes, findings
from tests.unit.domain.go_profiles import SERVE, main_frame

KEEP, ENCODE = (main_frame("keep", 5), *SERVE), (main_frame("encode", 8), *SERVE)


def test_a_line_that_keeps_all_it_makes_grows() -> None:
    first, second = allocs((KEEP, 20_000_000, 20_000_000)), allocs((KEEP, 26_000_000, 26_000_000))
    (found,) = findings(twice("c", None, {"heap-gc": first}, {"heap-gc": second}))

    assert (found.fault, found.confidence) == ("heap-growth", CERTAIN)
    assert (
        "26 MB of live heap, 100 % of it held by main.keep (checkout/main.go:5), 2.4 MB more every second"
        in found.claim
    )


def test_what_a_function_makes_at_several_lines_grows_as_one() -> None:
    lines = [(main_frame("keep", number), *SERVE) for number in (5, 6, 7)]
    first, second = (allocs(*((line, size, size) for line in lines)) for size in (9_000_000, 11_500_000))
    (found,) = findings(twice("c", None, {"heap-gc": first}, {"heap-gc": second}))

    assert found.fault == "heap-growth"
    assert "100 % of it held by main.keep" in found.claim


def test_a_line_that_keeps_is_told_beside_one_of_its_function_that_gives_back() -> None:
    read = (main_frame("keep", 4), *SERVE)
    first, second = (allocs((KEEP, size, size), (read, 4 * size, 1)) for size in (40_000_000, 48_000_000))

    assert classes(twice("c", None, {"heap-gc": first}, {"heap-gc": second})) == ["heap-growth"]


def test_a_large_cache_that_stands_still_is_none() -> None:
    assert classes(twice("c", None, {"heap-gc": allocs((KEEP, 400_000_000, 400_000_000))})) == []


def test_a_large_cache_of_one_replica_is_none_until_it_grows_or_its_own_past_speaks_against_it() -> None:
    still, more = ({"heap-gc": allocs((KEEP, size, size))} for size in (400_000_000, 402_000_000))
    small = facts_of("c", heap=heap((KEEP, 9_000_000)))
    others = [facts_of(name, heap=heap((KEEP, 9_000_000))) for name in "ab"]

    assert classes(twice("c", None, still), *others) == []
    assert classes(twice("c", None, still, more), *others) == ["heap-growth"]
    assert classes(twice("c", failed_probe("c"), still), *others) == ["heap-growth"]
    assert classes(twice("c", None, still), *others, baseline=small) == ["heap-growth"]


def test_a_cache_that_evicts_and_buffers_in_use_give_back() -> None:
    for made, kept in ((900_000_000, 26_000_000), (60_000_000, 26_000_000)):
        first = allocs((KEEP, made - 40_000_000, 20_000_000), (ENCODE, 1, 1))
        assert (
            classes(twice("c", None, {"heap-gc": first}, {"heap-gc": allocs((KEEP, made, kept), (ENCODE, 1, 1))})) == []
        )


def test_what_moves_from_one_line_to_another_does_not_grow() -> None:
    first = allocs((KEEP, 20_000_000, 20_000_000), (ENCODE, 40_000_000, 40_000_000))
    second = allocs((KEEP, 26_000_000, 26_000_000), (ENCODE, 40_000_000, 34_000_000))

    assert classes(twice("c", None, {"heap-gc": first}, {"heap-gc": second})) == []


def test_a_heap_as_of_the_last_collection_does_not_prove_growth() -> None:
    first, second = allocs((KEEP, 20_000_000, 20_000_000)), allocs((KEEP, 26_000_000, 26_000_000))

    assert classes(twice("c", None, {"heap": first}, {"heap": second})) == []


def test_a_healthy_time_tells_a_heap_that_was_small() -> None:
    large = facts_of("c", heap=heap((KEEP, 90_000_000)))

    assert classes(large, baseline=facts_of("c", heap=heap((KEEP, 9_000_000)))) == ["heap-growth"]
    assert classes(large, baseline=facts_of("c", heap=heap((KEEP, 60_000_000)))) == []
    assert classes(large) == []
