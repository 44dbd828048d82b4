"""A long timeline is not folded again for each page and form: everybody else would wait meanwhile."""

import threading
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from bot.domain import incident
from bot.domain.incident import Incident
from bot.domain.timeline import Author, Draft, Entry, Kind
from handlers import operations, postmortem_forms
from handlers.api.application import AT, application
from tests.fakes.readers import HERE, Read
from tests.unit.playbooks.desk import ADA, REGISTRY, Desk, desk

LONG = 600
"""From 500 entries on a timeline is kept as it was read last."""


class Folded:
    """Counts the entries that are folded where everybody waits for it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entries = 0
        monkeypatch.setattr(incident, "_APPLY", {**incident._APPLY, Kind.IMPACT_SET: self._apply})

    def _apply(self, it: Incident, entry: Entry) -> Incident:
        self.entries += threading.current_thread() is threading.main_thread()
        return replace(it, impact=entry.facts["text"])


@pytest.fixture
async def house() -> Desk:
    house = desk()
    await house.say("start sev3 checkout slow")
    timeline, now = house.ports.timeline, house.ports.clock.now()
    drafts = [Draft(Kind.IMPACT_SET, {"text": f"{number} carts are lost"}) for number in range(LONG)]
    await house.ports.store.write(lambda tx: timeline.append(tx, "INC-1", drafts, Author(ADA), now))
    return house


def browser(house: Desk) -> httpx.AsyncClient:
    app = FastAPI()
    app.add_middleware(Read)
    app.mount(AT, application(house.admission, house.ports, REGISTRY))
    app.include_router(postmortem_forms.router(house.admission, house.ports))
    app.include_router(operations.router(house.admission, house.ports, REGISTRY, lambda: True))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/incidents/INC-1/do/note", "Note"),
        ("/incidents/INC-1/postmortem/edit/luck", "INC-1"),
        (f"{AT}/incidents/INC-1", "599 carts are lost"),
        (f"{AT}/incidents/INC-1/postmortem", "INC-1"),
    ],
)
async def test_it_is_folded_once_for_all_who_look(
    path: str, said: str, house: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    folded = Folded(monkeypatch)
    async with browser(house) as client:
        looks = [await client.get(path) for _ in range(3)]
    assert all(look.status_code == 200 and said in look.text for look in looks)
    assert folded.entries == LONG


async def test_nor_is_it_for_a_form_that_is_sent(house: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    folded = Folded(monkeypatch)
    form: dict[str, Any] = {"seal": HERE.seal}
    async with browser(house) as client:
        sent = [await client.post("/incidents/INC-1/do/note", data=form) for _ in range(2)]
    assert [each.status_code for each in sent] == [422, 422]
    assert folded.entries == LONG
