"""Where the CPU goes: collecting, allocating, one function, a loop; and what is merely busy."""

from bot.domain.facts import Facts
from bot.domain.faults.finding import CERTAIN, LIKELY, at_least
from bot.domain.snapshot import Probe
from bot.domain.stacks import Frame
from tests.unit.domain.captures import (
    allocs,
    cpu,
    document,
    facts_of,
    failed_probe,
    good_probe,
    goroutines,
    heap,
    twice,
)
from tests.unit.domain.faults.found import ACCEPT, CALL, classes, findings
from tests.unit.domain.go_profiles import SERVE, Stack, main_frame

ENCODE, SCAN, SHOW = main_frame("encode", 54), main_frame("scan", 7), main_frame("show", 8)
COLLECT = ("runtime.scanobject", "runtime.gcBgMarkWorker")
ASSIST = ("runtime.gcAssistAlloc", "runtime.mallocgc", ENCODE, *SERVE)
MAKE = ("runtime.mallocgcSmallScanNoHeaderSC3", ENCODE, *SERVE)
LARGE = heap(*(((main_frame(f"keep{n}", n),), 14_000_000) for n in range(10)))
SMALL = {"heap-gc": allocs(((ENCODE,), 1, 1), ((SHOW,), 3_000_000, 3_000_000))}
CHURNED = {"heap-gc": allocs(((ENCODE,), 300_000_000, 1), ((SHOW,), 3_000_000, 3_000_000))}


def took(probe: Probe | None, *sites: tuple[Stack, int], live: bytes = b"") -> Facts:
    return facts_of("c", probe, cpu=cpu(*sites), **({"heap": live} if live else {}))


def test_requests_made_to_help_the_collector_are_harm_enough() -> None:
    facts = took(good_probe("c", 18.0), (COLLECT, 10), (ASSIST, 12), (MAKE, 30), ((SHOW,), 8), live=LARGE)

    assert [(found.fault, found.confidence) for found in findings(facts)] == [("gc-pressure", LIKELY)]


def test_a_collector_that_nobody_waits_for_is_fine() -> None:
    assert classes(took(good_probe("c"), (COLLECT, 30), (MAKE, 20), ((SHOW,), 50), live=LARGE)) == []


def test_a_heap_that_is_filled_again_and_again_needs_few_samples() -> None:
    """Ten requests a second leave twelve samples; what they allocate is counted without any."""
    few = {"cpu": cpu((MAKE, 5), ((SHOW,), 7))}
    slow = Probe("c", 5, (("200", 5),), 260.0, 300.0)
    (found,) = findings(twice("c", slow, SMALL | few, CHURNED))

    assert (found.fault, found.confidence) == ("alloc-churn", CERTAIN)
    assert "30 times in every second" in found.claim
    assert "main.encode (checkout/main.go:54)" in found.fix
    assert classes(twice("c", good_probe("c"), SMALL | few, CHURNED)) == []


def test_what_computes_and_only_makes_garbage_beside_is_a_hot_spot() -> None:
    hot = {"cpu": cpu(((ENCODE, *SERVE), 80), (MAKE, 12), (COLLECT, 5), ((SHOW, *SERVE), 3))}

    assert classes(twice("c", failed_probe("c"), SMALL | hot, CHURNED)) == ["cpu-hotspot"]


def test_several_hot_functions_under_one_caller_are_the_caller() -> None:
    parts = [((main_frame(f"part{n}", n), SCAN, *SERVE), 18) for n in range(5)]
    (found,) = findings(took(failed_probe("c"), *parts, ((SHOW, *SERVE), 10)))

    assert found.fault == "cpu-hotspot"
    assert "main.scan takes 90 % of 0.50 busy cores" in found.claim


def test_a_goroutine_that_spins_is_told_from_a_job() -> None:
    asks = ("runtime.selectnbrecv", SCAN)
    job = ("crypto/sha256.block", SCAN)

    assert classes(took(good_probe("c"), (asks, 170), ((SCAN,), 10))) == ["cpu-hotspot"]
    assert classes(took(good_probe("c"), (job, 170), ((SCAN,), 10))) == []
    assert classes(took(good_probe("c"), (asks, 60))) == []


def test_a_job_with_little_cpu_is_not_what_users_suffer_from() -> None:
    assert classes(took(Probe("c", 5, (("200", 5),), 545.0, 900.0), ((SCAN,), 37), ((SHOW, *SERVE), 1))) == []


def test_requests_that_pile_up_computing_need_no_probe() -> None:
    hot = {"cpu": cpu(((SCAN, *SERVE), 190)), "process": document({"pid": 1, "cpus": 2})}
    (found,) = findings(twice("c", None, hot | {"goroutine": goroutines(((SCAN, *SERVE), 9))}))

    assert (found.fault, found.confidence) == ("cpu-hotspot", CERTAIN)
    assert "9 goroutines compute there at once" in found.claim
    assert classes(twice("c", None, hot | {"goroutine": goroutines(((SCAN, *SERVE), 3))})) == []


def test_a_process_too_starved_for_a_profile_is_told_by_what_its_requests_compute() -> None:
    def piled(stack: Stack, live: bytes) -> list[str]:
        return classes(facts_of("c", failed_probe("c"), goroutine=goroutines((stack, 60)), heap=live))

    assert piled((SCAN, *SERVE), LARGE) == ["cpu-hotspot"]
    assert piled(MAKE, LARGE) == ["gc-pressure"]
    assert piled(MAKE, heap(((SHOW,), 2_000_000))) == ["alloc-churn"]


def test_one_busy_target_is_unlike_the_others_only_where_its_users_wait_longer() -> None:
    hot = cpu(((SCAN, *SERVE), 90))
    idle = [facts_of(name, good_probe(name), cpu=cpu(((Frame("main.show"),), 2))) for name in ("a", "b")]

    assert classes(facts_of("c", good_probe("c", 54.0), cpu=hot), *idle) == ["cpu-hotspot"]
    assert classes(facts_of("c", good_probe("c"), cpu=hot), *idle) == []
    assert classes(facts_of("c", good_probe("c", 54.0), cpu=hot), baseline=idle[0]) == ["cpu-hotspot"]


def test_few_samples_prove_little() -> None:
    assert (round(at_least(0.9, 20), 2), round(at_least(0.5, 20), 2), round(at_least(0.5, 2_000), 2)) == (
        0.74,
        0.33,
        0.48,
    )
    assert at_least(1.0, 0) == 0.0


def test_requests_over_a_protocol_of_its_own_are_requests() -> None:
    hot = cpu(((SCAN, *CALL), 90))
    idle = facts_of("a", good_probe("a"), cpu=cpu(((Frame("main.show"),), 2)))
    calls = facts_of("c", good_probe("c", 54.0), cpu=hot, goroutine=goroutines((ACCEPT, 1)))

    assert classes(calls, idle) == ["cpu-hotspot"]
    assert classes(facts_of("c", good_probe("c", 54.0), cpu=cpu(((SCAN, CALL[0]), 40))), idle) == []


def test_what_burns_beside_requests_is_found_where_users_wait_for_it() -> None:
    parts = [((main_frame(f"part{n}", n), SCAN), 30) for n in range(4)]

    assert classes(took(good_probe("c", 140.0), *parts)) == ["cpu-hotspot"]
    assert classes(took(good_probe("c"), *parts)) == []


def test_much_that_is_made_and_little_that_is_collected_is_churn_whatever_is_alive() -> None:
    def made(collecting: int) -> list[str]:
        sites = ((COLLECT, collecting), (MAKE, 80), ((SHOW, *SERVE), 20))
        return classes(took(failed_probe("c"), *sites, live=LARGE))

    assert made(10) == ["alloc-churn"]
    assert made(90) == ["gc-pressure"]
