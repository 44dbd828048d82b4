from bot.domain.goroutines import Group, Spot, frame, group_profile, merge, spot
from bot.domain.profile import decode
from bot.domain.stacks import Frame
from tests.unit.domain.go_profiles import GOROUTINE, SERVE, profile
from tests.unit.domain.goroutine_texts import FRAMES

GET = FRAMES[0]


def test_a_profile_groups_alike_with_states_read_off_the_frames() -> None:
    sending = ("runtime.gopark", "runtime.chansend", "runtime.chansend1", GET, *SERVE)
    found = group_profile(
        decode(profile(GOROUTINE, [(sending, (1990,)), (("runtime.gopark", "time.Sleep", GET), (10,))]))
    )

    assert found.total == 2000
    assert [(each.count, each.state) for each in found.groups] == [(1990, "chan send"), (10, "sleep")]


def test_groups_that_are_alike_become_one_and_the_largest_comes_first() -> None:
    alike = Group(2, "select", (GET,), 5, "main.main", leaked=1)
    other = Group(4, "select", (GET,), 0, "main.other")

    assert merge([alike, other, Group(3, "select", (GET,), 9, "main.main", locked=2)]) == (
        Group(5, "select", (GET,), 9, "main.main", leaked=1, locked=2),
        other,
    )


def test_a_place_is_a_file_and_a_line() -> None:
    assert frame("main.f", "C:/src/a b.go:7") == Frame("main.f", "C:/src/a b.go", 7)
    assert frame("main.f", "?") == Frame("main.f", "?")


def test_a_spot_is_told_by_its_byte_and_its_line() -> None:
    assert spot(b"a\nb\nc", 4) == Spot(4, 3)
    assert str(Spot(4, 3)) == "byte 4, line 3"
