"""A flame graph adds up, overlaps nowhere, is bounded, and shows what a target sends as harmless text."""

from collections import defaultdict
from itertools import pairwise
from operator import attrgetter
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.costs import Costs
from bot.domain.flame import MOST_PIECES, MOST_ROWS, Flame, Focus, Kind, Piece, changes, draw, kind_of
from bot.domain.flame_drawing import ROW, amount, svg
from bot.domain.profile import Profile, Sample, ValueType
from bot.domain.stacks import Frame

NAMES = ("main.a", "main.b", "net/http.serve", "runtime.mallocgc", "lib.org/x.(*T).M", "strconv.Itoa")
FRAMES = st.builds(Frame, st.sampled_from(NAMES), st.just("/src/main.go"), st.integers(1, 3))
STACKS = st.lists(FRAMES, max_size=5).map(tuple)
SAMPLES = st.lists(st.builds(lambda stack, value: Sample(stack, (value,)), STACKS, st.integers(-5, 10**6)), max_size=8)
CPU = ValueType("cpu", "nanoseconds")
HANDLE = Frame("main.handle", "/src/main.go", 7)
FLAT = attrgetter("flat")
SVG = "{http://www.w3.org/2000/svg}"


def cpu(*samples: tuple[tuple[Frame, ...], int], seconds: float = 2.0, kind: ValueType = CPU) -> Costs:
    """Make a profile's costs; stacks innermost first."""
    made = tuple(Sample(stack, (value,)) for stack, value in samples)
    return Profile((kind,), made, duration_ns=int(seconds * 1e9)).costs(kind.name)


def frames(*names: str) -> tuple[Frame, ...]:
    """Name a stack from the outside in."""
    return tuple(Frame(name) for name in reversed(names))


def named(flame: Flame, name: str) -> list[Piece]:
    return [piece for piece in flame.pieces if piece.name == name]


@settings(max_examples=60, deadline=None)
@given(samples=SAMPLES, short=st.booleans())
def test_pieces_add_up_and_overlap_nowhere(*, samples: list[Sample], short: bool) -> None:
    flame = draw(Profile((CPU,), tuple(samples)).costs("cpu"), Focus(short=short))
    assert flame.total == sum(max(each.values[0], 0) for each in samples)
    rows = defaultdict[int, list[Piece]](list)
    for piece in flame.pieces:
        rows[piece.row].append(piece)
    assert len(rows) == flame.rows
    for row in rows.values():
        row.sort(key=lambda each: (each.start, each.width))
        for left, right in pairwise(row):
            assert left.start + left.width <= right.start + 1e-9
    for piece in flame.pieces:
        if flame.total:
            assert piece.width == pytest.approx(piece.value / flame.total)
        inside = [
            each
            for each in rows[piece.row + 1]
            if piece.start - 1e-9 <= each.start and each.start + each.width <= piece.start + piece.width + 1e-9
            if each.width and piece.width
        ]
        assert sum(each.value for each in inside) + piece.itself == piece.value


@settings(max_examples=60, deadline=None)
@given(SAMPLES)
def test_inverted_the_first_row_is_what_each_function_costs_by_itself(samples: list[Sample]) -> None:
    costs = Profile((CPU,), tuple(each for each in samples if each.values[0] > 0)).costs("cpu")
    flame = draw(costs, Focus(inverted=True))
    row = {piece.name: piece.value for piece in flame.pieces if piece.row == 1 and piece.kind is not Kind.FOLDED}
    flat = {cost.frame.function: cost.flat for cost in costs.top() if cost.flat}
    assert row.items() <= flat.items()
    assert all(value < flame.total / 1_000 for name, value in flat.items() if name not in row)


def test_inverted_below_a_call_is_who_called_it() -> None:
    profile = cpu((frames("main.a", "main.walk"), 3), (frames("main.b", "main.walk"), 1), (frames("main.b"), 4))
    flame = draw(profile, Focus(inverted=True))
    assert [(piece.row, piece.name, piece.value) for piece in flame.pieces] == [
        (0, "everything", 8), (1, "main.b", 4), (1, "main.walk", 4), (2, "main.a", 3), (2, "main.b", 1),
    ]  # fmt: skip
    assert "by itself" not in svg(flame, "CPU")


def test_a_graph_can_stand_on_its_feet() -> None:
    drawn = svg(draw(cpu((frames("main.a", "main.b"), 3)), Focus()), "CPU", upwards=True)
    assert [each.attrib["y"] for each in ET.fromstring(drawn)] == ["40", "20", "0"]  # noqa: S314 - our own


@settings(max_examples=40, deadline=None)
@given(SAMPLES, SAMPLES)
def test_what_was_before_adds_up_too(samples: list[Sample], others: list[Sample]) -> None:
    profile, base = (Profile((CPU,), tuple(each)).costs("cpu") for each in (samples, others))
    flame = draw(profile, Focus(), base)
    assert all(piece.before is not None and piece.before >= 0 for piece in flame.pieces)
    listed = changes(profile, base, FLAT)
    assert {each.frame.function for each in listed} >= {piece.name for piece in flame.pieces if piece.row} - {
        piece.name for piece in flame.pieces if piece.kind is Kind.FOLDED
    }


def test_a_graph_is_bounded_whatever_a_target_sends() -> None:
    wide = [((Frame(f"main.f{n}"), HANDLE), 1_000 + n) for n in range(5_000)]
    deep = [(tuple(Frame(f"main.g{n}") for n in range(1_000)), 50_000)]
    flame = draw(cpu(*wide, *deep), Focus())
    assert len(flame.pieces) <= MOST_PIECES
    assert flame.rows <= MOST_ROWS + 1
    folded = [piece for piece in flame.pieces if piece.kind is Kind.FOLDED and piece.row]
    assert folded
    assert all(piece.name.endswith(" more") for piece in folded)


def test_a_call_has_its_most_expensive_line() -> None:
    other = Frame("main.handle", "/src/main.go", 9)
    (piece,) = named(draw(cpu(((HANDLE,), 1), ((other,), 5)), Focus()), "main.handle")
    assert (piece.value, piece.frame) == (6, other)


def test_in_a_short_graph_a_foreign_package_calls_itself_unseen() -> None:
    stack = frames("net/http.(*conn).serve", "net/http.Handler", "main.handle", "main.cost", "runtime.a", "runtime.b")
    flame = draw(cpu((stack, 5)), Focus(short=True))
    assert [piece.name for piece in flame.pieces[1:]] == [
        "net/http.(*conn).serve",
        "main.handle",
        "main.cost",
        "runtime.a",
    ]


def test_what_is_to_blame_counts_once_where_it_calls_itself() -> None:
    profile = cpu((frames("main.a", "main.walk", "main.walk"), 3), (frames("main.walk"), 1), (frames("main.b"), 4))
    flame = draw(profile, Focus(blamed=frozenset({"main.walk"})))
    assert sum(piece.width for piece in flame.blamed) == pytest.approx(0.5)


def test_whose_a_call_is() -> None:
    kinds = [kind_of(name, "shop") for name in ("shop/cart.Add", "main.x", "lib.org/a.B", "net/http.x", "runtime.gc")]
    assert kinds == [Kind.OWN, Kind.OWN, Kind.LIBRARY, Kind.STANDARD, Kind.RUNTIME]
    assert kind_of("lib.org/a.B") is Kind.OWN


def test_profiles_are_compared_by_the_second() -> None:
    now, before = cpu(((HANDLE,), 80), (frames("main.b"), 20), seconds=2), cpu(((HANDLE,), 10), seconds=1)
    flame = draw(now, Focus(), before)
    (piece,) = named(flame, "main.handle")
    assert (piece.before, piece.grown) == (20.0, 60.0)
    assert 'class="grew-4"' in svg(flame, "x")
    assert [(each.frame.function, each.now, each.before) for each in changes(now, before, FLAT)] == [
        ("main.handle", 80, 20.0),
        ("main.b", 20, 0.0),
    ]


@pytest.mark.parametrize(("value", "before"), [("inuse_space", 10.0), ("alloc_space", 100.0)])
def test_what_is_in_use_is_compared_as_it_is_and_sums_by_their_total(value: str, before: float) -> None:
    kind = ValueType(value, "bytes")
    now, base = (cpu(((HANDLE,), size), seconds=0, kind=kind) for size in (100, 10))
    (piece,) = named(draw(now, Focus(), base), "main.handle")
    assert piece.before == before


def test_what_is_gone_is_listed() -> None:
    gone = changes(cpu(((HANDLE,), 5)), cpu((frames("main.old"), 5), ((HANDLE,), 5)), FLAT)
    assert [(each.frame.function, each.now, each.before) for each in gone] == [
        ("main.old", 0, 5.0),
        ("main.handle", 5, 5.0),
    ]


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=20), st.text(max_size=20))
@example("\uffff", "\ufffe")
def test_names_are_text_whatever_they_hold(name: str, file: str) -> None:
    hostile = Frame(f'<script>"&\x00\u202e{name}', file, 3)
    flame = draw(cpu(((hostile,), 5), (((Frame("main." + "x" * 10_000)),), 5)), Focus())
    drawn = svg(flame, f"]]>{name}")
    root = ET.fromstring(drawn)  # noqa: S314 - our own, and what it holds is the point
    assert {each.tag for each in root.iter()} == {f"{SVG}{tag}" for tag in ("svg", "title", "rect", "text")}
    assert not any(key.startswith("on") or key == "href" for each in root.iter() for key in each.attrib)
    assert "\u202e" not in drawn
    assert len(drawn) < 6_000


def test_a_page_gets_places_in_parts_of_its_width() -> None:
    drawn = svg(draw(cpu(((HANDLE,), 3), (frames("main.b"), 1)), Focus()), "CPU")
    root = ET.fromstring(drawn)  # noqa: S314 - our own
    assert (root.attrib["width"], root.attrib["height"]) == ("100%", str(2 * ROW))
    assert [(each.attrib["x"], each.attrib["width"]) for each in root] == [
        ("0.0000%", "100.0000%"),
        ("0.0000%", "75.0000%"),
        ("75.0000%", "25.0000%"),
    ]
    titles = [each.text for each in root.iter(f"{SVG}title")]
    assert titles[1] == "main.handle (src/main.go:7)\n3e-06 ms, 75 % of all"


def test_an_empty_profile_is_one_empty_piece() -> None:
    flame = draw(cpu(), Focus())
    assert (flame.total, len(flame.pieces), flame.rows) == (0, 1, 1)
    assert ET.fromstring(svg(flame, "nothing")) is not None  # noqa: S314 - our own


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (12_400_000, "nanoseconds", "12.4 ms"),
        (999_499_999, "nanoseconds", "999 ms"),
        (999_500_000, "nanoseconds", "1.00 s"),
        (999_999_999, "nanoseconds", "1.00 s"),
        (1_250_000_000, "nanoseconds", "1.25 s"),
        (12_345, "goroutines", "12,345"),
    ],
)
def test_a_value_is_written_as_people_read_it(value: float, unit: str, said: str) -> None:
    assert amount(value, unit) == said
