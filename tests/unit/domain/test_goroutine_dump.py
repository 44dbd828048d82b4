import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.goroutine_dump import DUMP_LIMIT_BYTES, count, group
from bot.domain.goroutines import DumpMalformed, Spot
from bot.domain.stacks import Frame
from tests.unit.domain.go_profiles import dump
from tests.unit.domain.goroutine_texts import FRAMES, WRITTEN, Written, debug_2, outcome, read_slowly

GET = Frame("main.(*pool).Get", "/src/checkout/pool.go", 45)
ONE = Written("select", (GET,))
PARTS = [b"goroutine ", b"1", b" [", b"select", b"]:", b"\n", b"\n\n", b"\t", b"/a.go:1", b"main.f(", b")", b"\r\n"]
MORE = [b"created by ", b" in goroutine 2", b"...4 frames elided...", b"panic: ", b"[", b", 3 minutes", b"\xff"]
NOISE = st.binary(max_size=400) | st.lists(st.sampled_from(PARTS + MORE), max_size=60).map(b"".join)


@settings(deadline=None)
@given(st.lists(WRITTEN, min_size=1, max_size=40), st.sampled_from([1, 100, 256 * 1024]))
def test_groups_are_those_of_a_slow_reader(written: list[Written], chunk: int) -> None:
    text = debug_2(written)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.domain.goroutine_dump.CHUNK_BYTES", chunk)
        found = group(text)

    assert set(found.groups) == read_slowly(text)
    assert len(found.groups) == len(set(found.groups))
    assert found.total == count(text) == len(written)
    assert (found.garbled, found.truncated, found.cause) == (0, False, "")


@settings(deadline=None)
@given(st.lists(WRITTEN, min_size=1, max_size=5), NOISE.filter(lambda noise: b"\n\n" not in noise))
def test_noise_between_goroutines_costs_none_of_them(written: list[Written], noise: bytes) -> None:
    good = debug_2(written)
    found = group(good + b"\n!" + noise.replace(b"\r", b"").replace(b"\n", b" ") + b"\n\n" + good)

    assert found.total == 2 * len(written)
    assert (found.garbled, found.damage) == (1, Spot(len(good) + 1, good.count(b"\n") + 2))


@settings(deadline=None)
@given(NOISE)
@example(b"")
@example(b"goroutine 1 [" + b"x" * 300 + b"]:\n\ngoroutine 2 [x\n")
def test_noise_gives_groups_or_one_error(noise: bytes) -> None:
    found = outcome(group, noise)
    if isinstance(found, DumpMalformed):
        assert found.spot.offset <= len(noise)
        assert 1 <= found.spot.line <= noise.count(b"\n") + 1
    else:
        assert found.total == sum(each.count for each in found.groups) > 0
        assert (found.damage is None) == (found.garbled == 0)


@settings(deadline=None)
@given(st.lists(WRITTEN, min_size=1, max_size=6), st.data())
def test_a_cut_anywhere_keeps_what_came_before(written: list[Written], data: st.DataObject) -> None:
    text = debug_2(written)
    kept = data.draw(st.integers(len(written[0].text(1)), len(text)))

    assert group(text[:kept]).total in {count(text[:kept]), count(text[:kept]) - 1}


def test_minutes_leaks_labels_and_threads_do_not_part_a_group() -> None:
    waiting = Written("chan send", (GET,), minutes=3, labels=' {token: "a [b] c"}')
    leaked = Written("chan send", (GET,), minutes=125, leaked=True, locked=True)
    (only,) = group(debug_2([Written("chan send", (GET,)), waiting, leaked, leaked])).groups

    assert (only.count, only.state, only.longest_wait_min, only.created_by) == (4, "chan send", 125, "main.main")
    assert (only.stack, only.leaked, only.locked) == ((GET,), 2, 2)


def test_elided_frames_do_not_mix_arguments_into_the_key() -> None:
    stack = FRAMES[:3]
    text = debug_2([Written("select", stack, elided=True, argument=number) for number in range(1, 6)])

    assert [(each.count, each.stack) for each in group(text).groups] == [(5, stack)]


def test_frames_of_ancestors_are_not_its_own() -> None:
    ancestors = "\n[originating from goroutine 1]:\nmain.main(...)\n\t/src/main.go:5 +0x1\n"
    text = debug_2([ONE]).rstrip() + ancestors.encode()

    assert [each.stack for each in group(text).groups] == [(GET,)]


def test_a_stack_on_another_thread_is_not_there() -> None:
    text = b"goroutine 1 [running]:\n\tgoroutine running on other thread; stack unavailable\ncreated by main.main in "
    (only,) = group(text + b"goroutine 1\n\t/src/main.go:9 +0x1\n").groups

    assert (only.state, only.stack, only.created_by) == ("running", (), "main.main")


@pytest.mark.parametrize("before", ["", "2026/11/28 11:22:33 ready\n", "\n\n"], ids=["alone", "log", "blank"])
def test_a_panic_gives_its_cause(before: str) -> None:
    cause = "panic: runtime error: index out of range [5] with length 3 [recovered]\n\tpanic: again\n[signal SIGSEGV]"
    text = before + cause + "\n\n" + Written("running", FRAMES[:2]).text(1) + "\nexit status 2\n"
    found = group(text.encode())

    assert (found.cause, found.total, found.garbled) == (cause, 1, 0)
    assert found.groups[0].stack == FRAMES[:2]


def test_where_the_frames_of_a_crash_lie_does_not_part_a_group() -> None:
    crashed = "goroutine {0} gp=0xc{0} m=nil [select]:\nmain.f(...)\n\t/src/f.go:7 fp=0x{0} sp=0x{0} pc=0x{0}\n"
    text = "\n".join(crashed.format(number) for number in range(1, 5)).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.domain.goroutine_dump.MAX_FRAMES", 2)
        patch.setattr("bot.domain.goroutine_dump.CHUNK_BYTES", 1)
        found = group(text)

    assert [(each.count, each.stack) for each in found.groups] == [(4, (Frame("main.f", "/src/f.go", 7),))]


def test_a_crash_of_the_whole_process_has_more_than_goroutines() -> None:
    crash = [
        "SIGQUIT: quit\nPC=0x46a2e1 m=0 sigcode=0",
        Written("idle", FRAMES[:1], header=" gp=0x5f6aa0 m=0 mp=0x5f7640").text(0),
        Written("chan receive", FRAMES[:2], header=" gp=0xc000002380 m=nil").text(1),
        "rax    0xca\nrbx    0x0",
        "-----",
        "runtime stack:\nruntime.throw({0x1, 0x2})\n\t/go/src/runtime/panic.go:1 +0x1",
    ]
    found = group("\n\n".join(crash).encode())

    assert (found.total, found.garbled) == (2, 0)
    assert found.cause == crash[0]


@pytest.mark.parametrize(
    ("text", "spot"),
    [
        (b"", Spot(0, 1)),
        (b"<html>\n\n<a href='[x]'>sign in</a>\n\n</html>", Spot(0, 1)),
        (b"\n\n404 page not found\n", Spot(2, 3)),
        (b"goroutine profile: total 3\n3 @ 0x1\n", Spot(0, 1)),
        (b"goroutine 1 [select\n", Spot(0, 1)),
    ],
    ids=["empty", "html", "blank", "debug=1", "cut"],
)
def test_what_is_no_dump_is_an_error_that_says_where(text: bytes, spot: Spot) -> None:
    with pytest.raises(DumpMalformed, match=f"no goroutine begins at byte {spot.offset}, line {spot.line}") as raised:
        group(text)

    assert raised.value.spot == spot


def test_damage_inside_is_counted_and_placed() -> None:
    text = debug_2([ONE]) + b"\ngoroutine 2 [sel\nmain.f()\n\ngoroutine 3 [sel\n\n" + debug_2([ONE])
    found = group(text)

    assert (found.total, found.garbled) == (2, 2)
    assert found.damage == Spot(text.index(b"goroutine 2 [sel\n"), 7)


@pytest.mark.parametrize("header", [b"goroutine 2 [sel", b"goroutine 2", b"goroutine "])
def test_a_last_header_without_an_end_is_placed(header: bytes) -> None:
    text = debug_2([ONE]) + b"\n" + header

    assert group(text).damage == Spot(text.rindex(b"goroutine"), 7)


def test_line_ends_of_another_system_are_read() -> None:
    assert group(debug_2([ONE, ONE]).replace(b"\n", b"\r\n")).groups[0].count == 2


def test_the_runtimes_own_cut_is_noticed() -> None:
    text = debug_2([ONE])
    text += b" " * (DUMP_LIMIT_BYTES - len(text))

    assert DUMP_LIMIT_BYTES == 67_108_864
    assert group(text).truncated
    assert not group(text[:-1]).truncated


def test_too_much_that_differs_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.domain.goroutine_dump.CHUNK_BYTES", 100)
    monkeypatch.setattr("bot.domain.goroutine_dump.MAX_FRAMES", 50)
    found = group(dump(*(("select", [Frame("main.f", "/src/f.go", number)]) for number in range(1, 200))))

    assert found.truncated
    assert found.total < 50


@pytest.mark.parametrize(
    "text",
    [
        b"\n\n".join(b"goroutine %d [a] {k: %d}:" % (number, number) for number in range(20_000)),
        b"\n\n".join(b"goroutine %d [%d" % (number, number) for number in range(20_000)) + b"\n\n" + debug_2([ONE]),
        b"goroutine 1 [a]:\n" + b"a\n\t\n" * 100_000,
        b"goroutine 1 [a]:\n" + b"\n" * 500_000,
    ],
    ids=["labels", "half-headers", "one-stack", "blank"],
)
def test_memory_stays_near_the_size_of_the_text(text: bytes) -> None:
    tracemalloc.start()
    try:
        group(text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 12 * len(text)
