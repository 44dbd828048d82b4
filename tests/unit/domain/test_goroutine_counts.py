import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.goroutine_counts import counted, group_counts
from bot.domain.goroutines import DumpMalformed, Group, Spot
from bot.domain.stacks import Frame
from tests.unit.domain.goroutine_texts import FRAMES, WRITTEN, Written, counted_slowly, debug_1, outcome

SLEEP = FRAMES[3]
PARTS = [b"goroutine profile: total ", b"3", b"\n", b" @", b" 0x1f", b"#\t", b"main.f+0x1", b"\t/a.go:1", b"# labels: "]
NOISE = st.binary(max_size=300) | st.lists(st.sampled_from(PARTS), max_size=60).map(b"".join)


@settings(deadline=None)
@given(st.lists(WRITTEN, max_size=40))
def test_groups_are_those_of_a_slow_reader(written: list[Written]) -> None:
    text = debug_1(written)
    found = group_counts(text)

    assert counted(text)
    assert set(found.groups) == counted_slowly(written)
    assert (found.total, found.garbled, found.truncated) == (len(written), 0, False)


@settings(deadline=None)
@given(NOISE)
def test_noise_gives_groups_or_one_error(noise: bytes) -> None:
    for text in (noise, b"goroutine profile: total 3\n" + noise):
        found = outcome(group_counts, text)
        if isinstance(found, DumpMalformed):
            assert found.spot.offset <= len(text)
        else:
            assert found.total == sum(each.count for each in found.groups)
            assert (found.damage is None) == (found.garbled == 0)


def test_states_come_from_frames_and_a_function_without_a_name_is_its_address() -> None:
    text = b"goroutine profile: total 4\n4 @ 0x1 0x2 0x3\n#\t0x1\ttime.Sleep+0x1d\t\truntime/time.go:364\n#\t0x2\n\n"

    assert group_counts(text).groups == (Group(4, "sleep", (SLEEP, Frame("0x2"))),)


def test_a_text_that_holds_fewer_than_it_claims_is_truncated() -> None:
    found = group_counts(debug_1([Written("select", FRAMES[:1])], total=100))

    assert (found.total, found.truncated) == (1, True)


def test_damage_is_counted_and_placed() -> None:
    text = debug_1([Written("select", FRAMES[:1])])
    found = group_counts(text + b"7 @ zebra\n#\tnothing\n" + text.partition(b"\n")[2])

    assert (found.total, found.garbled) == (2, 2)
    assert found.damage == Spot(len(text), 5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "no goroutine profile begins at byte 0, line 1"),
        (b"<html>", "no goroutine profile begins at byte 0, line 1"),
        (b"goroutine profile: total 9\n", "none of 9 goroutines begins at byte 27, line 2"),
        (b"goroutine profile: total 9\n\noops\n", "none of 9 goroutines begins at byte 28, line 3"),
    ],
)
def test_what_is_no_profile_is_an_error_that_says_where(text: bytes, said: str) -> None:
    assert not text or counted(text) == (b"total" in text)
    with pytest.raises(DumpMalformed, match=said):
        group_counts(text)


def test_too_many_lines_are_not_read_to_their_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.domain.goroutine_counts.MAX_FRAMES", 50)
    found = group_counts(debug_1([Written("select", FRAMES[:1] * number) for number in range(1, 40)], total=1))

    assert found.truncated
    assert found.total < 40
