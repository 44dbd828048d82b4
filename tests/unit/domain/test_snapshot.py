import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from bot.domain.snapshot import (
    CHEAP_PARTS,
    DUMP,
    FIRST,
    GOROUTINE,
    HEAP,
    HEAP_GC,
    Captured,
    PartStatus,
    Probe,
    Signal,
    again,
    captured,
    cpu_part,
    intrusive_parts,
    is_starved,
    manifest,
    missed,
    pick_intrusive,
    safe_name,
    second_parts,
    skipped,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def probe(target: str, statuses: dict[str, int], p50_ms: float = 2.0) -> Probe:
    return Probe(target, sum(statuses.values()), tuple(statuses.items()), p50_ms, p50_ms)


def test_the_count_comes_first_and_the_dump_last() -> None:
    assert (CHEAP_PARTS[0], CHEAP_PARTS[-1]) == (GOROUTINE, DUMP)
    assert not any(part.intrusive for part in CHEAP_PARTS)


def test_forced_collections_are_around_the_cpu_profile_and_not_in_it() -> None:
    assert [part.name for part in intrusive_parts(2)] == ["heap-gc", "cpu"]
    assert HEAP_GC in second_parts(100, starved=False)
    assert (cpu_part(2).path, cpu_part(2).timeout_s) == ("/debug/pprof/profile?seconds=2", 5.0)


def test_an_empty_body_is_a_failure() -> None:
    empty = captured("checkout-1", HEAP, b"", 0.1)

    assert (empty.status, empty.usable) == (PartStatus.FAILED, False)
    assert empty.error == "checkout-1: /debug/pprof/heap gave an empty answer"


def test_a_part_is_recorded_with_what_proves_it() -> None:
    whole, cut = captured("checkout-1", HEAP, b"abc", 0.12345), captured("checkout-1", HEAP, b"ab", 1, "stopped")

    assert whole == Captured(
        "checkout-1", "heap", PartStatus.OK, "checkout-1/heap.pb.gz", 3, sha256(b"abc").hexdigest(), 0.1235, "", b"abc"
    )
    assert (cut.status, cut.error) == (PartStatus.TRUNCATED, "stopped")


def test_names_stay_inside_of_a_folder_and_apart() -> None:
    names = ["checkout-1", "../etc", "a b", "a_b", "", ".", "..", "café", "x" * 300]
    safe = [safe_name(name) for name in names]

    assert safe[0] == "checkout-1"
    assert len(set(safe)) == len(names)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") for name in safe)
    assert not any(name.startswith(".") or len(name) > 100 for name in safe)


def test_the_manifest_names_every_part_whatever_came_of_it() -> None:
    parts = [
        missed("checkout-2", HEAP, "checkout-2: /debug/pprof/heap answered 404", 0.01),
        captured("checkout-1", HEAP, b"abc", 0.1),
        skipped("checkout-1", DUMP, "too many goroutines"),
    ]
    made = manifest("checkout", NOON, parts, [probe("checkout-1", {"200": 5})])
    document = json.loads(made.to_json())

    assert made.to_json() == manifest("checkout", NOON, reversed(parts), made.probes).to_json()
    assert document["targets"] == ["checkout-1", "checkout-2"]
    assert document["started_at"] == "2026-03-01T12:00:00.000+00:00"
    assert [(each["file"], each["status"]) for each in document["artifacts"]] == [
        ("checkout-1/goroutine-dump.txt", "skipped"),
        ("checkout-1/heap.pb.gz", "ok"),
        ("checkout-2/heap.pb.gz", "failed"),
    ]
    assert set(document["artifacts"][0]) == {
        "target",
        "part",
        "status",
        "file",
        "bytes",
        "sha256",
        "elapsed_s",
        "error",
        "run",
        "at_s",
    }
    assert made.losses == ("checkout-2: /debug/pprof/heap answered 404",)


def test_two_worst_and_one_healthy_are_picked() -> None:
    signals = [
        Signal(f"checkout-{number}", 40, 3_000_000, probe(f"checkout-{number}", {"200": 5})) for number in range(6)
    ]
    signals[3] = Signal("checkout-3", 4000, 3_000_000, probe("checkout-3", {"200": 5}))
    signals[5] = Signal("checkout-5", 40, 3_000_000, probe("checkout-5", {"200": 3, "500": 2}))
    picks = pick_intrusive(signals)

    assert [pick.target for pick in picks[:2]] == ["checkout-5", "checkout-3"]
    assert picks[2].target in {"checkout-0", "checkout-1", "checkout-2", "checkout-4"}
    assert [pick.why for pick in picks] == [
        "2 of 5 probes failed",
        "it has 4000 goroutines, the others about 40",
        "like the others: to compare with",
    ]


def test_with_two_targets_the_larger_is_the_worse() -> None:
    picks = pick_intrusive([Signal("a", 40, 3_000_000), Signal("b", 45, 300_000_000)])

    assert [(pick.target, pick.why) for pick in picks] == [
        ("b", "its heap has 300 MB, the others about 3 MB"),
        ("a", "like the others: to compare with"),
    ]


def test_slow_answers_and_a_silent_target_are_signals() -> None:
    slow = Signal("b", 40, None, probe("b", {"200": 5}, 900.0))
    silent = Signal("c")
    picks = pick_intrusive([Signal("a", 40, None, probe("a", {"200": 5})), slow, silent])

    assert [pick.target for pick in picks] == ["b", "c", "a"]
    assert picks[1].why == "its goroutines could not be counted"


def test_no_target_is_captured_intrusively_again_within_two_minutes() -> None:
    signals = [Signal("a", 40)]

    assert pick_intrusive(signals, NOON, NOON + timedelta(seconds=119)) == ()
    assert len(pick_intrusive(signals, NOON, NOON + timedelta(seconds=120))) == 1
    assert pick_intrusive([]) == ()


def test_a_probe_counts_what_is_no_answer_as_a_failure() -> None:
    found = probe("a", {"200": 2, "404": 1, "503": 1, "timeout": 1})

    assert found.failures == 2
    assert str(found) == "2 x 200, 1 x 404, 1 x 503, 1 x timeout in 2 ms (max 2 ms)"
    assert found.told == f"answers {found}"


def test_who_gives_no_answer_is_not_said_to_answer() -> None:
    seen = ((), (("no answer", 1),), (("no answer", 5),), (("no answer", 2), ("timeout", 3)))
    told = [Probe("a", 5, statuses).told for statuses in seen]
    assert told == [
        "gives no answer",
        "gives no answer (once)",
        "gives no answer (5 times)",
        "gives no answer (2 times, 3 x timeout)",
    ]


def test_a_starved_process_is_not_made_to_collect_again() -> None:
    assert HEAP_GC not in second_parts(100, starved=True)
    assert is_starved([captured("c", cpu_part(2), b"late", 2.6)], 2)
    assert is_starved([missed("c", HEAP_GC, "c: no end in 1.5 s")], 2)
    assert not is_starved([captured("c", HEAP_GC, b"heap", 0.1), captured("c", cpu_part(2), b"cpu", 2.1)], 2)


def test_a_second_dump_is_left_out_where_it_would_stop_many() -> None:
    assert DUMP in second_parts(3_000, starved=False)
    assert DUMP not in second_parts(3_001, starved=False)
    assert DUMP not in second_parts(None, starved=False)


def test_both_readings_of_a_part_have_names_of_their_own() -> None:
    first = captured("checkout-1", HEAP_GC, b"heap", 0.1)

    assert (again(first).part, again(first).file) == ("heap-gc-2", "checkout-1/heap-gc-2.pb.gz")
    assert (again(first, FIRST).part, again(first, FIRST).file) == ("heap-gc-1", "checkout-1/heap-gc-1.pb.gz")
    assert again(first).sha256 == first.sha256
