from typing import Any

import pytest

from bot.domain.audits import Audited, judge
from bot.domain.audits.tracing import Fate, Header, Mark, names_another, unseen

MARK = Mark("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "firstfive-1")
SENT = {"target": "a-1", "trace": MARK.trace, "span": MARK.span, "request": MARK.request}
ANSWER = {"echoed_trace": "", "echoed_request": MARK.request}
WHOLE = f"trace_id={MARK.trace} tracestate=firstfive={MARK.span} baggage=firstfive=audit request_id={MARK.request}"


Told = dict[str, Any]


def hop(*ours: str, others: tuple[str, ...] = (), doubt: str = "", later: int = 0) -> Told:
    return {"ours": list(ours), "others": list(others), "later": later + len(ours) + len(others), "doubt": doubt}


def document(*hops: Told) -> Told:
    return {
        "sent": [SENT | ANSWER],
        "hops": [each | {"service": name} for name, each in zip("abc", hops, strict=False)],
    }


def remarks(*hops: Told) -> list[tuple[str, str, str]]:
    return [(each.grade.value, each.rule, each.where) for each in judge(Audited.TRACING, document(*hops))]


def test_what_arrives_everywhere_is_left_alone() -> None:
    hops = [hop(WHOLE)] * 3
    assert (remarks(*hops), unseen(document(*hops))) == ([], ())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (WHOLE.replace("=firstfive=audit", "="), [("risky", "lost", "a -> b")]),
        (WHOLE.replace(MARK.request, ""), [("risky", "lost", "a -> b")]),
        (WHOLE.replace(MARK.request, "other"), [("risky", "lost", "a -> b")]),
        (WHOLE.replace(MARK.trace, ""), [("wrong", "lost", "a -> b")]),
        (WHOLE.replace(MARK.trace, "f" * 32), [("wrong", "new trace", "a -> b")]),
    ],
)
def test_a_loss_is_told_once_where_it_is_first(line: str, expected: list[tuple[str, str, str]]) -> None:
    assert remarks(hop(WHOLE), hop(line), hop(line)) == expected


def test_a_hop_that_names_later_requests_only_has_lost_all_or_is_not_asked() -> None:
    hops = [hop(WHOLE), hop(others=("trace_id=abc",)), hop(others=("trace_id=abc",))]
    assert remarks(*hops) == [("risky", "lost", "a -> b")]
    (remark,) = judge(Audited.TRACING, document(*hops))
    assert remark.what.endswith("trace and X-Request-ID are both lost, or these requests do not come here")
    assert unseen(document(*hops)) == ("whether c would be reached: trace and id are gone before it",)


@pytest.mark.parametrize("others", [(), ("trace_id=abc",)])
def test_where_a_line_may_have_been_missed_nothing_is_said_to_be_lost(others: tuple[str, ...]) -> None:
    hops = [hop(WHOLE), hop(others=others, doubt="b wrote too much", later=9), hop(WHOLE)]
    assert (remarks(*hops), unseen(document(*hops))) == ([], ("whether anything arrives at b: b wrote too much",))


def test_a_log_that_names_no_request_is_a_remark_and_no_praise() -> None:
    assert remarks(hop(WHOLE), hop(later=2)) == [("risky", "log", "b")]


def test_of_a_log_that_got_no_line_nothing_is_known() -> None:
    hops = [hop(WHOLE), hop()]
    dark = "whether anything arrives at b: its log got no line after the first marked request"
    assert (remarks(*hops), unseen(document(*hops))) == ([], (dark,))


def test_a_loss_is_between_who_had_it_last_and_who_has_it_not() -> None:
    new, silent = f"trace_id={'f' * 32} request_id={MARK.request}", f"request_id={MARK.request}"
    for middle in (hop(doubt="unread"), hop(silent), hop(later=1)):
        assert ("wrong", "new trace", "a or b -> c") in remarks(hop(WHOLE), middle, hop(new))


@pytest.mark.parametrize(
    ("line", "fate"),
    [
        (f'{{"trace": {{"id": "{MARK.trace}"}}}}', Fate.WHOLE),
        (f'{{"trace": {{"id": "{"f" * 32}"}}}}', Fate.OTHER),
        ('{"trace": {"id": ""}}', Fate.LOST),
        ('{"trace": {"sampled": true}}', Fate.UNSEEN),
        (f'{{"trace.id":"{"f" * 32}"}}', Fate.OTHER),
        ("trace=on", Fate.UNSEEN),
        ("trace: a call to pay", Fate.UNSEEN),
        (f"trace=on trace_id={'f' * 16}", Fate.OTHER),
        ("trace_id=0000000000000000", Fate.LOST),
        ("trace_id=null", Fate.LOST),
        ("trace_id=", Fate.LOST),
        ("trace_ids=7", Fate.UNSEEN),
        ("goroutine 7, stack trace:", Fate.UNSEEN),
        ("GET / 200", Fate.UNSEEN),
    ],
)
def test_only_what_is_an_id_stands_for_another_trace(line: str, fate: Fate) -> None:
    assert MARK.fate(Header.TRACE, line)[0] is fate
    assert names_another(line) is (fate in {Fate.OTHER, Fate.WHOLE})
