"""The page of measures counts what counts, and its CSV is safe to open."""

import csv
import io
import threading
from datetime import timedelta

import pytest

from bot.domain.narrative import legible
from bot.domain.timeline import Kind
from handlers import measures
from handlers.measures import cell
from tests.unit.handlers.test_incidents import browser
from tests.unit.web.story import ANA, Story, opened, whole


def called_off() -> Story:
    return opened("nothing", name="INC-3").tell(Kind.CANCELLED, ANA, reason="a false alarm")


def drill() -> Story:
    return opened("exercise", name="INC-4").tell(Kind.DRILL_STARTED, service="checkout")


async def get(path: str, *stories: Story) -> str:
    async with browser(*stories) as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    return answer.text


async def test_says_how_incidents_went() -> None:
    text = await get("/measures", whole(), opened("slow", "SEV1", "cart", name="INC-8"), called_off(), drill())
    for words in (
        "2 incidents",
        "By service",
        "cart",
        "checkout",
        "goroutine-leak",
        "no verdict",
        "23 min 56 s",
        "50 %",
    ):
        assert words in text, words
    assert "Root causes of SEV1" in text
    assert 'href="/?q=goroutine-leak&amp;drills=no"' in text
    assert 'aria-label="incidents per week: 2 at the end' in text
    assert "style=" not in text


async def test_filters_and_periods_narrow_it() -> None:
    cart = opened("slow", "SEV1", "cart", name="INC-8")
    assert "1 incident " in await get("/measures?service=cart", whole(), cart)
    assert "1 incident " in await get("/measures?severity=sev1&weeks=0", whole(), cart)
    old = Story("INC-1")
    old.now -= timedelta(weeks=20)
    old.tell(Kind.OPENED, ANA, title="old", severity="SEV2", service="cart", warnings=[])
    assert "1 incident " in await get("/measures", old, whole())
    assert "2 incidents " in await get("/measures?weeks=0", old, whole())


async def test_nothing_is_said_of_nothing() -> None:
    assert "No incident in this period." in await get("/measures")
    assert "No incident in this period." in await get("/measures?weeks=0", called_off(), drill())


async def test_while_the_table_is_written_other_pages_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[threading.Thread] = set()

    def watched(text: str) -> str:
        threads.add(threading.current_thread())
        return cell(text)

    monkeypatch.setattr(measures, "cell", watched)
    assert "goroutine-leak" in await get("/measures.csv", whole())
    assert threads
    assert threading.main_thread() not in threads


async def test_the_table_has_a_row_for_each() -> None:
    text = await get("/measures.csv", whole(), opened('=HYPERLINK("http://x","y")', name="INC-8"), called_off())
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["id"] for row in rows] == ["INC-7", "INC-8"]
    assert rows[0]["verdict"] == "goroutine-leak"
    assert float(rows[0]["mttr_s"]) == pytest.approx(23 * 60 + 56, abs=1)
    assert rows[1]["title"] == '\'=HYPERLINK("http://x","y")'
    assert rows[1]["resolved_at"] == rows[1]["mttr_s"] == ""


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\ufeff=1", "\r=1", " =1", "\uff1d1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert cell(text) == f"'{legible(text)}"


@pytest.mark.parametrize("text", ["", "checkout", "5xx = many", "a-b"])
def test_other_words_stay_as_they_are(text: str) -> None:
    assert cell(text) == text
