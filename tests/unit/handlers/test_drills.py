"""The page of the drills, with none, one and many, and the same as JSON."""

import json
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from bot.domain.scores import Score, write
from bot.domain.timeline import FIRSTFIVE, Kind, to_us
from bot.engine.admission import Admission
from handlers import drills
from handlers.api.application import AT, application
from handlers.html import shipped
from handlers.live import Streams
from tests.fakes.readers import Read
from tests.unit.web.story import ANA, OPENED_AT, Story, opened, ports_with


def drill(number: int, fault: str, *, over: bool = True, blind: bool = False, **times: Any) -> Story:
    """A drill, ended or still on."""
    story = Story(f"INC-{number}").later(60 * number)
    story.tell(Kind.OPENED, title="DRILL: <b>x</b>", severity="SEV3", service="checkout", warnings=[], drill=True)
    ends_at, shown = to_us(OPENED_AT + timedelta(hours=1)), "" if blind else fault
    body = {"service": "checkout", "class": shown, "target": "", "size": "medium", "blind": blind, "ends_at": ends_at}
    story.tell(Kind.DRILL_STARTED, ANA, **body)
    if over:
        began = to_us(story.now)
        score = Score(fault, "checkout-3", "medium", "checkout", blind=blind, began_us=began, how="mended", **times)
        story.tell(Kind.DRILL_ENDED, FIRSTFIVE, real=True, score=write(score), before={}, how="mended", by="")
        story.tell(Kind.STATUS_SET, FIRSTFIVE, status="resolved", was="open", text="")
    return story


async def asked(path: str, *stories: Story) -> str:
    ports, app = ports_with(*stories), FastAPI()
    app.add_middleware(Read)
    drills.Drills(ports, shipped(), Streams(ports, iter([False, True]).__next__)).route(app.router)
    app.mount(AT, application(Admission({}, ports), ports, {}))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    return answer.text


async def test_without_a_drill_the_page_says_how_one_begins() -> None:
    page = await asked("/drills", opened())
    assert "No drill has ended yet." in page
    assert "<table" not in page
    assert json.loads(await asked("/api/v1/drills")) == {"seed_s": 252.0, "running": [], "league": [], "drills": []}


async def test_one_drill_is_a_league_of_one() -> None:
    page = await asked("/drills", drill(8, "goroutine-leak", verdict_s=4.6, mitigated_s=61.0))
    assert 'value="4.6"' in page
    assert "1 min 1 s" in page
    assert '<span class="muted">never</span>' in page


async def test_many_drills_have_a_place_a_class_and_a_row_each_the_latest_first() -> None:
    many = [
        drill(8, "goroutine-leak", verdict_s=4.0),
        drill(9, "deadlock", verdict_s=9.0),
        drill(10, "goroutine-leak", verdict_s=6.0, people_s=400.0),
    ]
    told = json.loads(await asked("/api/v1/drills", *many))
    assert [(place["fault"], place["drills"], place["machine_s"]) for place in told["league"]] == [
        ("goroutine-leak", 2, 5.0),
        ("deadlock", 1, 9.0),
    ]
    assert [each["incident_id"] for each in told["drills"]] == ["INC-10", "INC-9", "INC-8"]
    page = await asked("/drills", *many)
    assert 'value="252.0"' in page  # a bar that is full, and no fuller
    assert page.index(">INC-10<") < page.index(">INC-8<")


@pytest.mark.parametrize(("blind", "fault"), [(True, ""), (False, "deadlock")])
async def test_a_drill_that_is_on_is_shown_and_a_blind_one_keeps_its_secret(*, blind: bool, fault: str) -> None:
    on = drill(8, "deadlock", over=False, blind=blind)
    (running,) = json.loads(await asked("/api/v1/drills", on))["running"]
    assert (running["incident_id"], running["fault"]) == ("INC-8", fault)
    page = await asked("/drills", on)
    assert "On now: " in page
    assert ("deadlock" in page) is not blind


async def test_the_page_is_told_when_a_drill_ends() -> None:
    on = drill(8, "deadlock", over=False)
    stream = re.findall(r'data-stream="([^"]+)"', await asked("/drills", on))[0]
    assert "event: changed" not in await asked(stream, on)
    assert "event: changed" in await asked(stream, drill(8, "deadlock"))
