from typing import Any

import pytest
from pydantic import TypeAdapter

from bot.domain.examination import examine
from bot.domain.facts import Build, Facts, Process, Sockets
from bot.domain.log_lines import LogSummary
from bot.domain.snapshot import DUMP, HEAP, LOG, PartStatus, captured, missed, skipped
from bot.domain.stacks import Frame
from tests.unit.domain.captures import (
    CHAN_SEND,
    SLEEP,
    cpu,
    document,
    dump_of,
    facts_of,
    good_probe,
    goroutines,
    heap,
    leaks,
    parts_of,
)
from tests.unit.domain.go_profiles import SERVE, main_frame
from tests.unit.domain.goroutine_texts import Written, debug_1

GET = main_frame("(*pool).Get", 45)


def test_every_part_becomes_facts() -> None:
    encode = main_frame("encode", 54)
    facts = facts_of(
        "checkout-1",
        good_probe("checkout-1"),
        goroutine=goroutines(((*CHAN_SEND, GET, *SERVE), 130), ((*SLEEP, main_frame("wait"), *SERVE), 10), (SERVE, 5)),
        heap=heap(((Frame("strings.Repeat"), encode), 90), ((main_frame("b"),), 10)),
        cpu=cpu((("runtime.gcAssistAlloc", "runtime.mallocgc", encode), 60), ((main_frame("b"),), 40)),
        sockets=document({"states": {"ESTABLISHED": 140, "LISTEN": 2}, "unsent": 3, "ephemeral_ports": 28232}),
        process=document({"pid": 7, "fds": 150, "fd_limit": 1024, "rss_bytes": None, "started_at": "2026"}),
        build=document(
            {"go": "go1.27.3", "module": "checkout", "settings": {"vcs.revision": "abc", "vcs.modified": "true"}}
        ),
    )

    assert (facts.goroutines, facts.handling) == (145, 140)
    assert [(each.frame, each.state, each.count, each.request) for each in facts.crowds] == [
        (GET, "chan send", 130, True),
        (main_frame("wait"), "sleep", 10, True),
    ]
    assert facts.heap is not None
    assert next((place.frame, place.amount, place.share) for place in facts.heap.holding) == (encode, 90, 0.9)
    assert facts.cpu is not None
    assert (facts.cpu.samples, facts.cpu.cores, facts.cpu.gc_share, facts.cpu.malloc_share) == (100, 0.5, 0.6, 0.6)
    assert [(place.frame, place.share) for place in facts.cpu.allocating] == [(encode, 0.6)]
    assert facts.sockets is not None
    assert (str(facts.sockets), facts.sockets.unsent) == ("140 ESTABLISHED, 2 LISTEN", 3)
    assert facts.process == Process(7, fds=150, fd_limit=1024)
    assert facts.build == Build("1a2b3c4d5e", "go1.27.3", "checkout", "abc", modified=True)
    assert (str(facts.build), facts.file("cpu"), facts.losses) == ("abc (modified)", "checkout-1/cpu.pb.gz", ())


def test_the_dump_groups_with_waiting_times_while_the_profile_counts() -> None:
    facts = facts_of(
        "a", goroutine=goroutines(((GET,), 12)), goroutine_dump=dump_of([("chan send, 4 minutes", [GET], 10)])
    )

    assert facts.goroutines == 12
    assert [(each.count, each.longest_wait_min, each.created_by) for each in facts.groups] == [(10, 4, "main.start")]


def test_leaks_that_have_ended_are_not_counted() -> None:
    assert facts_of("a", goroutineleak=leaks(((GET,), 40), ((), 125))).leaked == 40
    assert facts_of("a").leaked is None


def test_no_recorded_contention_is_unknown_and_not_zero() -> None:
    assert facts_of("a").mutex_delay_s is None


def test_what_is_not_there_is_a_loss_with_its_reason() -> None:
    parts = [
        missed("a", HEAP, "a: answered 404"),
        skipped("a", DUMP, "a: too many"),
        captured("a", HEAP, b"half a profile", 0.1, "stopped"),
    ]
    facts = examine(parts[:2])

    assert (facts.target, facts.goroutines, facts.heap) == ("a", None, None)
    assert [(loss.part, loss.status, loss.reason) for loss in facts.losses] == [
        ("goroutine-dump", "skipped", "a: too many"),
        ("heap", "failed", "a: answered 404"),
    ]
    assert [loss.status for loss in examine(parts[2:]).losses] == [PartStatus.TRUNCATED]


def test_nonsense_in_any_part_is_a_loss_too() -> None:
    names = ["goroutine", "goroutineleak", "heap", "mutex", "cpu", "sockets", "process", "build"]
    facts = examine(parts_of("a", dict.fromkeys(names, b"nonsense")))

    assert facts == Facts("a", losses=facts.losses, files=facts.files, pace_s=0.1)
    assert [loss.part for loss in facts.losses] == sorted(names)


@pytest.mark.parametrize("value", ["many", -3, True, None, 1.5, [1], {"a": 1}])
def test_what_is_no_number_in_a_document_of_the_kernel_stays_unknown(value: Any) -> None:
    sockets = document({"states": {"LISTEN": 2, "CLOSE_WAIT": value}, "unsent": value, "ephemeral_ports": value})
    process = document({"pid": 7, "fds": value, "peer": [value], "cpu_periods": value})
    facts = facts_of("a", sockets=sockets, process=process)

    assert facts.sockets == Sockets((("LISTEN", 2),))
    assert facts.process == Process(7)


def test_the_lines_of_a_log_are_counted() -> None:
    part = captured("a", LOG, b"level=ERROR failed\nlevel=WARN slow\nfine\n", 0.1)

    assert examine([part]).log == LogSummary(3, errors=1, warnings=1)
    assert examine([skipped("a", LOG, "a: its log is empty")]).log is None


def test_a_process_without_a_number_of_its_own_is_unknown() -> None:
    assert facts_of("a", process=document({"pid": "7"})).process is None


def test_facts_survive_json() -> None:
    facts = facts_of("a", good_probe("a"), cpu=cpu(((GET,), 60)), process=document({"pid": 1}))
    adapter = TypeAdapter(Facts)

    assert adapter.validate_json(adapter.dump_json(facts)) == facts


def test_without_stacks_it_counts_the_same() -> None:
    parts = parts_of("a", {"goroutine": goroutines(((GET,), 12), (SERVE, 5)), "heap": heap(((GET,), 90))})
    whole, counted = examine(parts), examine(parts, stacks=False)
    assert (counted.goroutines, counted.build) == (whole.goroutines, whole.build) == (17, whole.build)
    assert whole.heap is not None
    assert counted.heap is not None
    assert counted.heap.inuse_bytes == whole.heap.inuse_bytes > 0
    assert counted.heap.holding == ()


def test_a_dump_that_cannot_be_read_is_a_loss_that_says_where() -> None:
    facts = facts_of("a", goroutine=goroutines(((GET,), 12)), goroutine_dump=b"\n502 Bad Gateway\n")

    assert [(loss.part, loss.reason) for loss in facts.losses] == [
        ("goroutine-dump", "no goroutine begins at byte 1, line 2")
    ]
    assert [(group.count, group.stack) for group in facts.groups] == [(12, (GET,))]


def test_a_damaged_or_cut_dump_is_used_and_its_loss_is_said() -> None:
    damaged = dump_of([("select", [GET], 2)]) + b"\n502 Bad Gateway\n"
    facts = examine([captured("a", DUMP, damaged, 0.1, "a: the Go runtime cut the dump")])

    assert facts.goroutines == 2
    assert [loss.reason for loss in facts.losses] == [
        "a: the Go runtime cut the dump",
        f"damaged at byte {damaged.index(b'502')}, line 13 (places: 1): 2 goroutines could be read",
    ]


def test_a_dump_of_counts_only_is_read_too() -> None:
    counts = debug_1([Written("", (GET,))] * 3, total=5)
    facts = facts_of("a", goroutine_dump=counts)

    assert [(group.count, group.stack) for group in facts.groups] == [(3, (GET,))]
    assert [loss.reason for loss in facts.losses] == ["there are more goroutines than the 3 in it"]
