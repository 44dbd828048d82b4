import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.anchor import Anchored, anchor, audit, read, root, vanished
from bot.domain.timeline import Entry, Head, verify
from tests.unit.domain.test_timeline import NOON, chain


def head(entries: list[Entry]) -> Head:
    return Head(entries[-1].seq, entries[-1].hash)


def log_of(*days: dict[str, Head]) -> Anchored:
    log = Anchored()
    for number, heads in enumerate(days):
        made = anchor(log, heads, NOON + timedelta(days=number))
        assert made is not None
        log = read([*(each.line for each in log.anchors), made.line])
    return log


def breaks(entries: list[Entry], log: Anchored) -> tuple[str, ...]:
    return audit("INC-1", iter(entries), log).breaks


def test_a_log_reads_back_as_it_was_written() -> None:
    one, two = {"INC-1": Head(1, "a")}, {"INC-1": Head(2, "b"), "INC-2": Head(1, "c")}
    log = log_of(one, two)
    assert log.flaws == []
    assert log.heads == two
    assert log.last is not None
    assert (log.last.number, log.last.at, log.last.root) == (2, NOON + timedelta(days=1), root(two))


def test_only_what_moved_is_named_again() -> None:
    log = log_of({"INC-1": Head(1, "a"), "INC-2": Head(4, "b")}, {"INC-1": Head(2, "c"), "INC-2": Head(4, "b")})
    assert [sorted(each.moved) for each in log.anchors] == [["INC-1", "INC-2"], ["INC-1"]]
    assert anchor(log, log.heads, NOON) is None


def test_a_chain_that_grew_since_is_whole() -> None:
    entries = chain("a", "b", "c")
    assert breaks(entries, log_of({"INC-1": head(entries[:2])})) == ()


def test_a_tail_that_was_cut_is_seen_although_the_rest_is_intact() -> None:
    entries = chain("a", "b", "c")
    log = log_of({"INC-1": head(entries)})
    assert verify("INC-1", entries[:2]).breaks == ()
    assert breaks(entries[:2], log) == (
        "anchor 1 of 2026-03-01 12:00 UTC saw entry 3; the chain ends at 2, the tail is gone",
    )


def test_a_chain_written_anew_is_seen() -> None:
    log = log_of({"INC-1": head(chain("a", "b"))})
    forged = chain("a", "forged", "c")
    assert verify("INC-1", forged).breaks == ()
    assert "was written anew since" in breaks(forged, log)[0]


def test_a_tail_cut_between_two_anchors_is_seen_by_the_older_one() -> None:
    entries = chain("a", "b", "c")
    forged = chain("a", "b", "x", "y")
    log = log_of({"INC-1": head(entries)}, {"INC-1": head(forged)})
    assert breaks(forged, log)[0].startswith("anchor 1 of")


def test_a_chain_that_is_gone_is_seen() -> None:
    [lost] = vanished(["INC-2"], log_of({"INC-1": Head(3, "a"), "INC-2": Head(1, "b")}))
    assert (lost.incident_id, lost.entries) == ("INC-1", 0)
    assert lost.breaks == ("anchor 1 of 2026-03-01 12:00 UTC saw entry 3; the chain ends at 0, the tail is gone",)


LINES = [each.line for each in log_of(*({"INC-1": Head(n, str(n)), "INC-2": Head(1, "b")} for n in (1, 2, 3))).anchors]


@pytest.mark.parametrize(
    ("lines", "flaw"),
    [
        (LINES[1:], "anchor 1: does not link to the one before"),
        ([LINES[0], LINES[2]], "anchor 2: does not link to the one before"),
        ([LINES[0], LINES[0]], "anchor 2: does not link to the one before"),
        (["{", *LINES], "anchor 1: is not one any more"),
        (["[]"], "anchor 1: is not one any more"),
        ([LINES[0].replace('"INC-1":[1', '"INC-1":[9')], "anchor 1: was changed after it was written"),
    ],
)
def test_a_log_that_was_tampered_with_is_seen(lines: list[str], flaw: str) -> None:
    assert flaw in read(lines).flaws


def test_an_anchor_whose_root_lies_is_seen() -> None:
    made = anchor(Anchored(), {"INC-1": Head(1, "a")}, NOON)
    assert made is not None
    assert read([replace(made, root="0" * 64).line]).flaws == [
        "anchor 1: its root does not stand for what the anchors say"
    ]


def test_a_line_says_what_it_is_in_plain_json() -> None:
    said = json.loads(LINES[0])
    assert sorted(said) == ["at_us", "hash", "moved", "number", "prev", "root"]
    assert said["moved"]["INC-1"] == [1, "1"]
