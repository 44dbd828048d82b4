from typing import Any

import pytest

from bot.domain.audits import Audited, judge
from bot.domain.audits.tracing import Mark, unseen

MARK = Mark("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "firstfive-1")
SENT = {"target": "a-1", "trace": MARK.trace, "span": MARK.span, "request": MARK.request}
ANSWER = {"echoed_trace": "", "echoed_request": MARK.request}
WHOLE = f"trace_id={MARK.trace} tracestate=firstfive={MARK.span} baggage=firstfive=audit request_id={MARK.request}"


def document(*hops: tuple[list[str], list[str]]) -> dict[str, Any]:
    told = [
        {"service": name, "ours": ours, "others": others, "read": True}
        for name, (ours, others) in zip("abc", hops, strict=False)
    ]
    return {"sent": [SENT | ANSWER], "hops": told}


def remarks(*hops: tuple[list[str], list[str]]) -> list[tuple[str, str, str]]:
    return [(each.grade.value, each.rule, each.where) for each in judge(Audited.TRACING, document(*hops))]


def test_what_arrives_everywhere_is_left_alone() -> None:
    hops: list[tuple[list[str], list[str]]] = [([WHOLE], [])] * 3
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
    assert remarks(([WHOLE], []), ([line], []), ([line], [])) == expected


def test_a_hop_that_names_others_only_has_lost_all_and_what_is_behind_it_cannot_be_seen() -> None:
    hops: list[tuple[list[str], list[str]]] = [([WHOLE], []), ([], ["trace_id=abc"]), ([], ["trace_id=abc"])]
    assert remarks(*hops) == [("wrong", "lost", "a -> b")]
    assert unseen(document(*hops)) == ("whether c would be reached: trace and id are gone before it",)


def test_a_log_that_names_no_request_is_a_remark_and_no_praise() -> None:
    assert remarks(([WHOLE], []), ([], [])) == [("risky", "log", "b")]
