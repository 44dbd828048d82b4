"""A trace is looked for, rebuilt, told and kept; and what is no trace, not there, or not all of it, is said."""

import json
import threading
from collections.abc import Sequence
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from bot.adapters.logsearch.none import NoLogs
from bot.domain.exhibits import kept
from bot.domain.run import Run, RunStatus
from bot.domain.timeline import HOUSE
from bot.domain.trace import findings
from bot.domain.trace.chain import Span
from bot.engine.tracing import read_chain
from tests.fakes import NOON, FakeLogs
from tests.logstores.shop import TRACE, many, request
from tests.unit.playbooks.desk import Desk, desk

SECTION = 3_000
"""Signs of one section of a Slack message."""


async def traced(logs: FakeLogs, words: str = f"trace {TRACE}") -> tuple[Desk, Run]:
    house = desk(logs=logs)
    await house.say("start sev3 checkout slow")
    return house, await house.say(f"{words} incident=INC-1")


async def test_the_first_failing_hop_is_told_before_the_tree_and_what_must_be_known_of_it() -> None:
    _, run = await traced(FakeLogs(*request()))
    assert run.status is RunStatus.DONE, run.reason
    assert run.result["first_failing"] == "payment"
    assert run.result["summary"].splitlines() == [
        "*payment fails first with 503 (by way of gateway > checkout): bank refused*.",
        f"Trace `{TRACE}`: 6 lines of 3 services in 3 spans, 120 ms.",
        "```",
        "x gateway POST /pay 120 ms 502",
        "  x checkout POST /charge 95 ms 502",
        "    x payment Charge 75 ms 503 FIRST TO FAIL",
        "```",
        "• payment took longest by itself: 75 ms of 120 ms.",
    ]


async def test_lines_chain_and_picture_are_evidence_of_the_incident() -> None:
    house, run = await traced(FakeLogs(*request()))
    named = {each.name: each for each in kept(house.chain())}
    assert list(named) == [f"trace-{TRACE}.jsonl", f"trace-{TRACE}.json", f"trace-{TRACE}.svg"]
    lines, chain, picture = [await house.ports.artifacts.get(each.sha256) or b"" for each in named.values()]
    assert [json.loads(line) for line in lines.splitlines()] == request()
    assert [each.service for each in read_chain(chain).spans] == ["gateway", "checkout", "payment"]
    assert ET.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - we wrote it
    assert "payment fails first with 503" in named[f"trace-{TRACE}.svg"].what
    assert (run.result["lines"], run.result["chain"], run.result["waterfall"]) == tuple(
        each.sha256 for each in named.values()
    )


async def test_without_an_incident_it_is_on_the_timeline_of_the_house() -> None:
    house = desk(logs=FakeLogs(*request()))
    await house.say(f"trace 00-{TRACE}-00f067aa0ba902b7-01")
    assert len(kept(house.chain(HOUSE))) == 3


async def test_what_is_missing_of_it_is_said_and_what_came_is_shown() -> None:
    why = "http://logs.test gave no more answer within 20 s, after 4 lines"
    _, run = await traced(FakeLogs(*request()[:4], missing=why))
    assert f":warning: Not all of it was read: {why}." in run.result["summary"]
    assert run.result["first_failing"] == "payment"
    assert run.result["missing"] == why


async def test_a_long_trace_is_told_in_one_section_of_a_message() -> None:
    _, run = await traced(FakeLogs(*many(3_000)))
    assert len(run.result["summary"]) < SECTION
    assert "FIRST TO FAIL" in run.result["summary"]


async def test_while_a_chain_is_rebuilt_and_told_everything_else_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[threading.Thread] = set()

    def watched(spans: Sequence[Span]) -> set[int]:
        threads.add(threading.current_thread())
        return above_failing(spans)

    above_failing = findings._above_failing
    monkeypatch.setattr(findings, "_above_failing", watched)
    _, run = await traced(FakeLogs(*request()))
    assert run.status is RunStatus.DONE, run.reason
    assert threads
    assert threading.main_thread() not in threads


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("trace checkout", "`checkout` is no id of a trace: that has 32 hex digits"),
        (f"trace {TRACE[:-1]}", "32 hex digits"),
        (f"trace {'0' * 32}", "stands for no trace"),
        (f"trace {TRACE} within=90d", "choose up to 30d"),
        (f"trace {'f' * 32}", "No line of trace ffffffffffffffffffffffffffffffff was written in the last 1d to logs-*"),
    ],
)
async def test_what_cannot_be_found_is_told_with_what_would_be(words: str, said: str) -> None:
    house, run = await traced(FakeLogs(*request()), words)
    assert run.status is RunStatus.FAILED
    assert said in run.reason
    assert kept(house.chain()) == ()


async def test_how_far_back_is_asked_for() -> None:
    logs = FakeLogs(*request())
    await traced(logs, f"trace {TRACE} within=2h")
    (asked,) = logs.asked
    assert asked.since == NOON - timedelta(hours=2)


async def test_lines_of_a_host_whose_clock_is_ahead_are_found() -> None:
    logs = FakeLogs(*request())
    await traced(logs)
    await traced(logs, f"trace {TRACE} within=30d")
    assert [each.until for each in logs.asked] == [NOON + timedelta(hours=1)] * 2
    assert [each.until - each.since for each in logs.asked] == [timedelta(hours=25), timedelta(days=30)]


async def test_a_store_that_cannot_be_asked_is_said() -> None:
    _, run = await traced(FakeLogs(missing="http://logs.test cannot be asked: connection refused"))
    assert run.reason == "The logs could not be searched: http://logs.test cannot be asked: connection refused."


async def test_without_a_store_it_says_what_to_configure() -> None:
    house = desk(logs=NoLogs())
    assert "set `store` and `url` in [logs]" in await house.text(f"trace {TRACE}")
