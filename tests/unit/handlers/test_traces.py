"""The page of a trace: what failed first, the picture, a row for each span; nothing of another run."""

import asyncio
import re
import threading
import time
from collections.abc import Sequence
from xml.etree import ElementTree as ET

import pytest

from bot.domain.trace import findings
from bot.domain.trace.chain import Chain, Span
from bot.engine.tracing import read_chain
from handlers import traces
from tests.fakes import FakeArtifacts, FakeLogs
from tests.logstores.shop import CHECKOUT, GATEWAY, TRACE, many, request, zap
from tests.unit.handlers.test_diagnoses import browser
from tests.unit.playbooks.desk import Desk, desk

HARM = "<script>alert(1)</script>"


async def shown(house: Desk, words: str = f"trace {TRACE}", status: int = 200) -> str:
    run = await house.say(words)
    async with browser(house) as client:
        answer = await client.get(f"/runs/{run.id}/trace")
        assert answer.status_code == status
        return answer.text


def picture(page: str) -> ET.Element:
    found = re.search(r"<svg.*?</svg>", page, re.DOTALL)
    assert found is not None
    return ET.fromstring(found[0])  # noqa: S314 - we wrote it


async def test_the_page_tells_what_failed_first_and_every_span() -> None:
    page = await shown(
        desk(
            logs=FakeLogs(
                *[each for each in request() if each.get("span_id") != CHECKOUT],
                zap(5, "auth", "a" * 16, GATEWAY, "in"),
            )
        )
    )
    assert "<h1>payment fails first with 503 (by way of gateway &gt; missing span" in page
    assert f"(missing span {CHECKOUT})" in page
    assert "bank refused" in page
    assert page.count("<tr") == 1 + 4
    drawn = picture(page)
    assert f"Trace {TRACE} as a waterfall: 5 lines of 3 services" in drawn.attrib["aria-label"]
    assert {each.get("class") for each in drawn} >= {"ground", "ink", "bad", "line", "faint"}


async def test_what_is_missing_is_said_and_its_files_are_there() -> None:
    page = await shown(desk(logs=FakeLogs(*request(), missing="2 of 5 shards did not answer")))
    assert "Not all of it was read: 2 of 5 shards did not answer." in page
    assert re.findall(r"\?name=trace-(\w+\.\w+)", page) == ["lines.jsonl", "chain.json", "waterfall.svg"]


async def test_words_of_services_are_harmless() -> None:
    page = await shown(desk(logs=FakeLogs(*request(), zap(1, HARM, "a" * 16, HARM, HARM, level="error"))))
    assert HARM not in page
    assert picture(page) is not None


async def test_of_a_long_trace_the_picture_and_the_table_are_cut_and_say_so() -> None:
    page = await shown(desk(logs=FakeLogs(*many(6_000))))
    assert "100 more are in the chain" in page
    assert "and 400 more: the chain" in page


async def test_while_a_trace_is_drawn_and_told_other_pages_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[threading.Thread] = set()

    def watched(spans: Sequence[Span]) -> set[int]:
        threads.add(threading.current_thread())
        return above_failing(spans)

    above_failing = findings._above_failing
    monkeypatch.setattr(findings, "_above_failing", watched)
    assert "payment fails first" in await shown(desk(logs=FakeLogs(*request())))
    assert threads
    assert threading.main_thread() not in threads


async def test_a_chain_is_read_once_for_all_who_look_and_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, most, read = 0, 0, read_chain

    def watched(content: bytes) -> Chain:
        nonlocal reading, most
        reading += 1
        most = max(most, reading)
        asked.append(content)
        time.sleep(0.02)
        reading -= 1
        return read(content)

    asked: list[bytes] = []
    monkeypatch.setattr(traces, "read_chain", watched)
    house = desk(logs=FakeLogs(*request()))
    runs = [await house.say(f"trace {TRACE}")]
    assert isinstance(house.ports.logs, FakeLogs)
    house.ports.logs.documents = house.ports.logs.documents[:-1]
    runs.append(await house.say(f"trace {TRACE}"))
    async with browser(house) as client:
        pages = await asyncio.gather(*(client.get(f"/runs/{run.id}/trace") for run in runs * 3))
        assert {page.status_code for page in pages} == {200}
        assert (len(asked), len(set(asked)), most) == (2, 2, 1)
        assert pages[0].text == pages[2].text != pages[1].text


async def test_what_was_removed_since_it_was_looked_at_is_gone() -> None:
    house = desk(logs=FakeLogs(*request()))
    run = await house.say(f"trace {TRACE}")
    assert isinstance(house.ports.artifacts, FakeArtifacts)
    async with browser(house) as client:
        assert (await client.get(f"/runs/{run.id}/trace")).status_code == 200
        house.ports.artifacts.kept.clear()
        assert (await client.get(f"/runs/{run.id}/trace")).status_code == 404


@pytest.mark.parametrize("words", ["help", "trace nonsense"])
async def test_a_run_that_rebuilt_none_has_no_such_page(words: str) -> None:
    assert "There is no trace of this run" in await shown(desk(), words, 404)


async def test_the_page_of_the_run_leads_there() -> None:
    house = desk(logs=FakeLogs(*request()))
    run = await house.say(f"trace {TRACE}")
    async with browser(house) as client:
        assert f'href="/runs/{run.id}/trace">See the waterfall' in (await client.get(f"/runs/{run.id}")).text
