"""Lines become a chain: who called whom, what failed first, what is missing, and clocks that go wrong."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from bot.domain.trace.chain import Chain, Span, rebuild
from bot.domain.trace.findings import first_failing, remarks, slowest, took
from bot.domain.trace.lines import read
from bot.domain.trace.names import Names
from bot.domain.trace.spans import SpanKind
from bot.domain.trace.telling import chosen, headline, label, tree
from tests.logstores.shop import CHECKOUT, GATEWAY, PAYMENT, TRACE, at, ecs, many, request, zap

Document = Mapping[str, Any]


def chain(*documents: Document) -> Chain:
    return rebuild(TRACE, (read(each, Names()) for each in documents))


def rows(it: Chain) -> list[tuple[int, str, int]]:
    return [(each.depth, each.service or f"gap {each.id}", each.took_us // 1_000) for each in it.spans]


def later(documents: list[dict[str, Any]], service: str, ms: float) -> list[Document]:
    """Give the lines with those of a service written by a clock that goes ahead."""
    moved: list[Document] = []
    for each in documents:
        name = each["service"] if isinstance(each["service"], str) else each["service"]["name"]
        told = read(each, Names())
        assert told is not None
        moved.append({**each, "@timestamp": (told.at + round(ms * 1_000)) / 1e6} if name == service else each)
    return moved


def test_lines_of_different_shapes_become_one_chain() -> None:
    it = chain(*request())
    assert rows(it) == [(0, "gateway", 120), (1, "checkout", 95), (2, "payment", 75)]
    assert [each.operation for each in it.spans] == ["POST /pay", "POST /charge", "Charge"]
    assert [each.status for each in it.spans] == [502, 502, 503]
    assert (it.lines, it.duplicates, it.gaps, it.shifts) == (6, 0, (), ())


def test_the_order_of_lines_changes_nothing() -> None:
    assert {chain(*some) for some in list(permutations(request()))[::97]} == {chain(*request())}


def test_the_first_failing_hop_is_the_one_whose_calls_did_not_fail() -> None:
    it = chain(*request())
    hop = first_failing(it)
    assert hop is not None
    assert (hop.span.service, hop.way) == ("payment", ("gateway", "checkout", "payment"))
    assert headline(it) == "payment fails first with 503 (by way of gateway > checkout): bank refused"


def test_of_two_that_fail_beside_each_other_the_earlier_is_first() -> None:
    it = chain(
        ecs(0, "gateway", GATEWAY, "", "begins"),
        zap(50, "stock", "a1" * 8, GATEWAY, "no stock", level="error"),
        zap(20, "payment", "b2" * 8, GATEWAY, "no money", level="fatal"),
        ecs(100, "gateway", GATEWAY, "", "ends", log={"level": "error"}),
    )
    hop = first_failing(it)
    assert hop is not None
    assert hop.span.service == "payment"


def test_without_a_failure_none_is_named_but_what_took_longest() -> None:
    it = chain(
        ecs(0, "gateway", GATEWAY, "", "a"),
        ecs(100, "gateway", GATEWAY, "", "b"),
        zap(90, "stock", "a1" * 8, GATEWAY, "c", duration_ms=80),
    )
    slow = slowest(it)
    assert (first_failing(it), headline(it)) == (None, "No line tells of a failure")
    assert slow is not None
    assert (slow.span.service, slow.span.own_us) == ("stock", 80_000)


def test_documents_of_elastic_apm_are_dated_by_their_beginning() -> None:
    transaction = {"id": GATEWAY, "name": "POST /pay", "duration": {"us": 120_000}}
    span = {"id": CHECKOUT, "name": "SELECT", "duration": {"us": 50_000}}
    shop = {"trace": {"id": TRACE}, "service": {"name": "shop"}, "event": {"outcome": "failure"}}
    it = chain(
        {**shop, "@timestamp": at(0), "transaction": transaction},
        {**shop, "@timestamp": at(40), "transaction": {"id": GATEWAY}, "span": span, "parent": {"id": GATEWAY}},
        zap(85, "bank", PAYMENT, CHECKOUT, "refused", duration_ms=40),
    )
    assert rows(it) == [(0, "shop", 120), (1, "shop", 50), (2, "bank", 40)]
    assert [(each.begins_us - it.begins_us, each.ends_us - it.begins_us) for each in it.spans] == [
        (0, 120_000),
        (40_000, 90_000),
        (45_000, 85_000),
    ]


def test_a_clock_that_goes_ahead_is_shifted_by_the_least_that_fits() -> None:
    it = chain(*later(request(), "payment", 3_000))
    assert rows(it) == [(0, "gateway", 120), (1, "checkout", 95), (2, "payment", 75)]
    (shift,) = it.shifts
    assert (shift.services, shift.by_us) == (("payment",), -2_990_000)
    payment = it.spans[2]
    assert (payment.ends_us, payment.shifted_us) == (it.spans[1].ends_us, -2_990_000)
    assert "The clock of payment does not fit its callers': its spans are shown 2.99 s earlier" in " ".join(remarks(it))


def test_a_clock_that_goes_behind_too_and_all_spans_of_a_host_by_the_same() -> None:
    lines = [*request(), zap(60, "payment", "d1" * 8, PAYMENT, "ledger", duration_ms=20)]
    it = chain(*later(lines, "payment", -500))
    assert [each.by_us for each in it.shifts] == [490_000]
    assert it.spans[3].begins_us - it.spans[2].begins_us == 25_000
    assert it.spans[2].begins_us == it.spans[1].begins_us


def test_what_fits_is_not_shifted_nor_what_is_off_by_a_rounded_millisecond() -> None:
    assert chain(*later(request(), "payment", 0.9)).shifts == ()
    assert chain(*later(request(), "payment", 10.9)).shifts == ()


def test_a_caller_of_one_line_only_is_widened_not_taken_for_a_wrong_clock() -> None:
    it = chain(
        ecs(50, "gateway", GATEWAY, "", "asked"),
        zap(20, "stock", "a1" * 8, GATEWAY, "a"),
        zap(90, "stock", "a1" * 8, GATEWAY, "b"),
    )
    assert (rows(it), it.shifts) == ([(0, "gateway", 70), (1, "stock", 70)], ())


def test_what_goes_on_after_its_caller_cannot_be_shifted_into_it() -> None:
    it = chain(
        ecs(0, "gateway", GATEWAY, "", "a"),
        ecs(50, "gateway", GATEWAY, "", "b"),
        zap(900, "mailer", "a1" * 8, GATEWAY, "sent", duration_ms=880),
    )
    assert (it.shifts, rows(it)) == ((), [(0, "gateway", 50), (1, "mailer", 880)])


def test_spans_whose_caller_left_no_line_hang_under_a_named_gap() -> None:
    it = chain(*[each for each in request() if "checkout" not in str(each["service"])])
    assert rows(it) == [(0, "gateway", 120), (1, f"gap {CHECKOUT}", 75), (2, "payment", 75)]
    assert f"No line is of 1 span that others name as their caller: {CHECKOUT}" in list(remarks(it))
    hop = first_failing(it)
    assert hop is not None
    assert hop.way == ("gateway", f"missing span {CHECKOUT}", "payment")
    assert label(it.spans[1]) == f"(missing span {CHECKOUT})"


def test_without_its_beginning_a_chain_hangs_from_the_gap() -> None:
    it = chain(*[each for each in request() if "gateway" not in str(each["service"])])
    assert rows(it) == [(0, f"gap {GATEWAY}", 95), (1, "checkout", 95), (2, "payment", 75)]


def test_lines_without_a_span_are_grouped_by_service_and_time() -> None:
    bare = [zap(ms, "audit", "", "", f"line {ms}") for ms in (5, 300, 5_000)]
    it = chain(*request(), *bare)
    loose = [each for each in it.spans if each.kind is SpanKind.LOOSE]
    assert [(each.service, each.lines, each.depth, each.took_us) for each in loose] == [
        ("audit", 2, 1, 295_000),
        ("audit", 1, 1, 0),
    ]
    assert "3 lines without a span: by service and time" in list(remarks(it))


def test_lines_that_came_twice_count_once_and_those_of_another_place_do_not() -> None:
    one = zap(5, "audit", "e1" * 8, GATEWAY, "again", log={"offset": 7})
    it = chain(*request(), *request()[:2], one, {**one, "log": {"offset": 8}})
    assert (it.lines, it.duplicates) == (8, 2)


def test_lines_without_a_time_are_counted_and_not_in_the_chain() -> None:
    it = chain(*request(), {"trace_id": TRACE, "msg": "x"}, {"trace_id": TRACE, "@timestamp": "yesterday"})
    assert (it.lines, it.timeless) == (6, 2)


def test_spans_that_call_each_other_in_a_circle_are_cut() -> None:
    a, b = "a1" * 8, "b2" * 8
    it = chain(zap(0, "one", a, b, "x"), zap(10, "two", b, a, "y"), zap(5, "self", "c3" * 8, "c3" * 8, "z"))
    assert sorted(rows(it)) == [(0, "one", 10), (0, "self", 0), (1, "two", 0)]
    assert it.cut == (a,)


def test_what_hangs_below_a_circle_stays_there_though_it_is_earlier() -> None:
    a, b, c = "a1" * 8, "b2" * 8, "c3" * 8
    it = chain(
        zap(5, "one", a, b, "x"),
        zap(10, "two", b, a, "y"),
        zap(0, "three", c, a, "z"),
        zap(1, "four", "d4" * 8, c, "z"),
    )
    assert [(each.depth, each.service) for each in it.spans] == [(0, "one"), (1, "three"), (2, "four"), (1, "two")]
    assert it.cut == (a,)


def test_caller_and_called_that_share_a_span_are_two_rows() -> None:
    it = chain(*request(), zap(30, "bank", PAYMENT, CHECKOUT, "refused", duration_ms=5))
    assert [each.service for each in it.spans] == ["gateway", "checkout", "payment", "bank"]
    assert [each.depth for each in it.spans] == [0, 1, 2, 3]


@pytest.mark.parametrize("behind_ms", [0, 500])
def test_of_two_that_share_a_span_the_caller_is_the_one_of_its_parents_service(behind_ms: int) -> None:
    it = chain(
        ecs(0, "gateway", GATEWAY, "", "begins"),
        zap(90, "gateway", CHECKOUT, GATEWAY, "asks", duration_ms=80),
        zap(80 - behind_ms, "checkout", CHECKOUT, GATEWAY, "answers", duration_ms=60),
        zap(70 - behind_ms, "checkout", PAYMENT, CHECKOUT, "asks", duration_ms=40),
        zap(60, "payment", PAYMENT, CHECKOUT, "answers", duration_ms=20),
        ecs(100, "gateway", GATEWAY, "", "ends"),
    )
    assert [(each.depth, each.service) for each in it.spans] == [
        (0, "gateway"),
        (1, "gateway"),
        (2, "checkout"),
        (3, "checkout"),
        (4, "payment"),
    ]
    assert [each.services for each in it.shifts] == ([("checkout",)] if behind_ms else [])


def test_a_chain_of_no_lines_is_empty() -> None:
    it = chain()
    assert (it.spans, first_failing(it), slowest(it), tree(it)) == ((), None, None, "")


def test_a_tree_is_short_and_keeps_the_way_to_what_failed() -> None:
    it = chain(*many(4_000))
    hop = first_failing(it)
    told = tree(it).split("\n")
    assert hop is not None
    assert (len(it.spans), len(told)) == (400, 15)
    assert told[-1] == "... and 386 more"
    assert sum("FIRST TO FAIL" in row for row in told) == 1
    shown, left = chosen(it, 14)
    assert (hop.at in shown, len(shown) + left) == (True, 400)
    assert all(it.spans[place].above in {-1, *shown} for place in shown)


def test_a_very_deep_chain_is_walked() -> None:
    deep = [zap(n, f"s{n % 3}", f"{n + 1:016x}", f"{n:016x}" if n else "", "x") for n in range(5_000)]
    assert chain(*deep).spans[-1].depth == 4_999


def test_of_a_way_to_the_failure_that_is_too_long_its_end_is_kept() -> None:
    deep = [
        zap(n, f"s{n}", f"{n + 1:016x}", f"{n:016x}" if n else "", "x", level="error", duration_ms=1) for n in range(20)
    ]
    beside = [zap(n, "beside", f"{n + 100:016x}", f"{1:016x}", "x", duration_ms=900) for n in range(5)]
    it = chain(*deep, *beside)
    told = tree(it).split("\n")
    assert told[0] == "... 6 above"
    assert told[1].startswith("x s6 x ")
    assert told[14].lstrip().startswith("x s19 x ")
    assert told[14].endswith("FIRST TO FAIL")
    assert told[15:] == ["... and 5 more"]


class Counted(tuple[Span, ...]):
    """Rows of a chain that count how often one of them is looked up."""

    __slots__ = ()
    looked = 0

    def __getitem__(self, at: Any) -> Any:
        Counted.looked += 1
        return super().__getitem__(at)


def test_a_very_deep_chain_that_fails_is_told_in_as_many_steps_as_it_has_spans() -> None:
    deep = [
        zap(n, f"s{n % 3}", f"{n + 1:016x}", f"{n:016x}" if n else "", "x", level="error", duration_ms=1)
        for n in range(1_000)
    ]
    it = chain(*deep)
    it = replace(it, spans=Counted(it.spans))
    Counted.looked = 0
    hop = first_failing(it)
    assert hop is not None
    assert hop.at == 999
    assert len(chosen(it, 14)[0]) == 14
    assert Counted.looked < 50 * len(deep)


@pytest.mark.parametrize("sign", ["```", "\u202e", "\n"])
def test_words_of_services_stand_for_nothing_in_a_chat(sign: str) -> None:
    it = chain(zap(0, f"shop{sign}x", GATEWAY, "", f"m{sign}", operation=f"o{sign}p"))
    assert sign not in tree(it)


@pytest.mark.parametrize(
    ("us", "said"),
    [
        (740, "740 us"),
        (999, "999 us"),
        (12_400, "12.4 ms"),
        (999_499, "999 ms"),
        (999_500, "1 s"),
        (999_999, "1 s"),
        (1_250_000, "1.25 s"),
        (200_000_000, "3 min 20 s"),
    ],
)
def test_a_length_of_time_is_written_as_people_read_it(us: int, said: str) -> None:
    assert took(us) == said
