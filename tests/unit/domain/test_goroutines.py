import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.goroutines import count, group, group_profile
from bot.domain.profile import decode
from bot.domain.stacks import Frame
from tests.unit.domain.go_profiles import GOROUTINE, SERVE, dump, main_frame, profile

GET = Frame("main.(*pool).Get", "/src/checkout/pool.go", 45)
STATES = st.sampled_from(["running", "chan send", "select", "IO wait", "chan receive (nil chan)", "sync.Mutex.Lock"])
STACKS = st.lists(st.sampled_from([GET, main_frame("a", 1), main_frame("b", 2), *SERVE]), min_size=1, max_size=5)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(STATES, STACKS), max_size=40))
def test_counts_add_up_and_no_group_is_there_twice(goroutines: list[tuple[str, list[Frame]]]) -> None:
    text = dump(*goroutines)
    found = group(text)

    assert found.total == count(text) == len(goroutines) == sum(each.count for each in found.groups)
    assert {(each.state, each.stack) for each in found.groups} == {(state, tuple(stack)) for state, stack in goroutines}
    assert len(found.groups) == len({(each.state, each.stack) for each in found.groups})


def test_minutes_leaks_labels_and_threads_do_not_part_a_group() -> None:
    text = dump(
        ("chan send", [GET]),
        ("chan send, 3 minutes", [GET]),
        ("chan send (leaked), 125 minutes, locked to thread", [GET]),
    ).replace(b"3 minutes]:", b'3 minutes] {token: "a [b] c"}:')
    (only,) = group(text).groups

    assert (only.count, only.state, only.longest_wait_min, only.created_by) == (3, "chan send", 125, "main.main")
    assert only.stack == (GET,)


def test_headers_of_a_crash_are_read_too() -> None:
    text = dump(("select", [GET])).replace(b"goroutine 1 [", b"goroutine 1 gp=0xc000002380 m=0 mp=0x5f [")

    assert group(text).groups[0].state == "select"


def test_elided_frames_do_not_mix_arguments_into_the_key() -> None:
    elided = b"\n...23 frames elided...\nmain.main(0x%d)\n\t/src/main.go:5 +0x1\ncreated by"
    text = b"\n\n".join(dump(("select", [GET])).strip().replace(b"\ncreated by", elided % n) for n in range(5))

    assert [each.count for each in group(text).groups] == [5]


def test_inlined_and_generic_calls() -> None:
    text = (
        b"goroutine 7 [select]:\nmain.Get[...](...)\n\t/src/a b.go:12\nmain.(*T).Do({0x1, 0x2})\n\t/src/t.go:9 +0x2\n"
    )

    assert group(text).groups[0].stack == (
        Frame("main.Get[...]", "/src/a b.go", 12),
        Frame("main.(*T).Do", "/src/t.go", 9),
    )


@given(st.binary(max_size=400))
def test_garbage_is_counted_and_never_raises(noise: bytes) -> None:
    good = dump(("select", [GET]))
    found = group(good + b"\n" + noise.replace(b"\n\n", b"") + b"\n\n" + good)

    assert found.total >= 1
    assert group(noise).total <= noise.count(b"[")


def test_html_is_no_dump() -> None:
    found = group(b"<html>\n\n<a href='[x]'>sign in</a>\n\n</html>")

    assert (found.total, found.garbled) == (0, 3)


def test_the_runtimes_own_cut_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    text = dump(("select", [GET]))
    monkeypatch.setattr("bot.domain.goroutines.DUMP_LIMIT_BYTES", len(text))

    assert group(text).truncated
    assert not group(text[:-1]).truncated


def test_a_profile_groups_alike_with_states_read_off_the_frames() -> None:
    sending = ("runtime.gopark", "runtime.chansend", "runtime.chansend1", GET, *SERVE)
    found = group_profile(
        decode(profile(GOROUTINE, [(sending, (1990,)), (("runtime.gopark", "time.Sleep", GET), (10,))]))
    )

    assert found.total == 2000
    assert [(each.count, each.state) for each in found.groups] == [(1990, "chan send"), (10, "sleep")]
