"""The pages of the services: how each is now, what is kept of it, and nothing that is not for whoever looks."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import TypeAdapter

from bot.adapters.documents import MarkdownDocuments
from bot.domain.baseline import Baseline, Baselines, baseline_key
from bot.domain.deploys import Deploy, deploys_key
from bot.domain.facts import Build, Facts
from bot.domain.fronts import Certificate, EdgeAnswer
from bot.domain.gate.evidence import Objection, Obstacle
from bot.domain.service import Catalog, Edge, Link, Service, Target
from bot.domain.sightings import Discovered
from bot.domain.snapshot import Captured, Probe
from handlers import pages
from handlers.reader import Reader
from tests.fakes import NOON, FakeDiscovery, FakeFronts, FakeTargets
from tests.fakes.readers import HERE, Read, signed_in
from tests.unit.domain.captures import good_probe
from tests.unit.handlers.test_diagnoses import all_targets
from tests.unit.playbooks.desk import ADA, BEN, PEOPLE, REGISTRY, Desk, desk

URL = "https://checkout.test:8443"
TOKEN = "abcdefghij0123456789abcdefghij"
EDGE = Edge(f"https://cdn.test/app.js?token={TOKEN}", max_age_s=60.0)
NAMES = ("checkout-1", "checkout-2", "checkout-3")
TARGETS = (
    *(Target(name, "checkout", "http://127.0.0.1:6060", URL) for name in NAMES),
    Target("bare", "checkout", "http://127.0.0.1:1"),
)
CHECKOUT = Service(
    "checkout", TARGETS, edges=(EDGE,), people=PEOPLE, links=(Link("Dashboard", "https://grafana.test/d/1"),)
)
CATALOG = Catalog((CHECKOUT, Service("payment", ())))


def client(house: Desk, reader: Reader = HERE, looks: int = 0) -> httpx.AsyncClient:
    app = FastAPI()
    app.add_middleware(Read, reader=reader)
    stopping = iter([False] * looks + [True]).__next__
    app.include_router(pages.router(house.ports, MarkdownDocuments(), REGISTRY, stopping))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


async def text(house: Desk, path: str, reader: Reader = HERE, status: int = 200) -> str:
    answer = await client(house, reader).get(path)
    assert answer.status_code == status
    return answer.text


def house(catalog: Catalog = CATALOG, captures: Sequence[Captured] = (), **ports: Any) -> Desk:
    """Give a desk whose first target is well, whose second fails, and whose third does not answer."""
    probes = (
        good_probe("checkout-1", 3.0),
        Probe("checkout-2", 1, (("503", 1),), 4.0, 4.0),
        Probe("checkout-3", 1, (("no answer", 1),), error=f"{URL}/?token={TOKEN} refused"),
    )
    fronts = FakeFronts(
        Certificate("checkout-1", NOON + timedelta(days=90, hours=1)),
        Certificate("checkout-2", NOON + timedelta(days=3, hours=1)),
        Certificate("checkout-3", NOON - timedelta(days=2)),
        edges={EDGE.url: [EdgeAnswer("192.0.2.1", 200, age_s=900.0)]},
    )
    return desk(catalog=catalog, targets=FakeTargets(probes, captures), fronts=fronts, **ports)


def keep(made: Desk, key: str, kind: Any, value: object) -> None:
    made.state.marks[key] = TypeAdapter(kind).dump_json(value).decode()


async def test_every_service_is_in_a_row_with_how_its_targets_are_now() -> None:
    said = await text(house(), "/services")
    for words in (
        "1 ill", "1 silent", "1 well", "1 not asked", 'href="/services/payment"', "none open", "and 2 more",
        "checkout-2: its certificate has 3 days left",
    ):  # fmt: skip
        assert words in said, words


async def test_without_services_the_page_says_what_to_do() -> None:
    assert "No service is configured" in await text(house(Catalog()), "/services")


async def test_a_service_shows_targets_certificates_edges_and_links() -> None:
    said = await text(house(), "/services/checkout")
    for words in (
        "answers 1 x 503 in 4 ms", "its certificate has 90 days left", "its certificate ended 2 d", "is 15 min old",
        "it has no <code>url</code>", 'href="https://grafana.test/d/1"', "there is no standing approval", "None yet.",
        "Nobody has told of one.", "no baseline yet",
    ):  # fmt: skip
        assert words in said, words
    assert TOKEN not in said


async def test_a_denied_deploy_is_shown_with_why_and_with_whether_it_went_out_after_all() -> None:
    made = house()
    no = (Objection(Obstacle.UNSIGNED, "no signature was sent"),)
    denied = Deploy("checkout", "v1.2", made.ports.clock.now() - timedelta(hours=3), source="gate", denied=no)
    for passed_at in (None, made.ports.clock.now()):
        keep(made, deploys_key("checkout"), tuple[Deploy, ...], (replace(denied, passed_at=passed_at),))
        said = await text(made, "/services/checkout")
        assert ("denied: unsigned" in said, "went out after all" in said) == (True, passed_at is not None)


async def test_what_is_kept_of_a_service_is_shown() -> None:
    made = house()
    now = made.ports.clock.now()
    old = Deploy("checkout", "v1.2", now - timedelta(hours=3), "Ada", "a" * 40, "webhook", rolled_back_at=now)
    new = Deploy("checkout", "v1.3", now - timedelta(hours=2), "Ben", "b" * 40, "webhook")
    keep(made, deploys_key("checkout"), tuple[Deploy, ...], (old, new))
    seen = {name: baseline(name, revision * 40, now) for name, revision in (("checkout-1", "b"), ("checkout-2", "c"))}
    keep(made, baseline_key("checkout"), Baselines, Baselines(seen))
    await made.say("freeze checkout the sale is on")
    said = await text(made, "/services/checkout")
    for words in (
        "v1.3 (bbbbbbb) by Ben", "stands", "taken back", "checkout is frozen: the sale is on (Ada",
        "41 goroutines", "They ran 2 builds", "ran ccccccc on 20", "after v1.3 (bbbbbbb) by Ben was deployed",
        'name=cpu-checkout-1.pb.gz">cpu</a>',
    ):  # fmt: skip
        assert words in said, words
    assert "frozen</span>" in await text(made, "/services")


def baseline(target: str, revision: str, at: datetime) -> Baseline:
    return Baseline(Facts(target=target, goroutines=41, build=Build(revision=revision)), at, {"cpu": "f" * 64})


async def test_what_is_kept_and_cannot_be_read_is_no_reason_to_show_nothing() -> None:
    made = house()
    for key in (deploys_key("checkout"), baseline_key("checkout"), "frozen:checkout", "standing:checkout"):
        made.state.marks[key] = "{"
    assert "Whether it is frozen cannot be read" in await text(made, "/services/checkout")


async def test_incidents_of_a_service_are_shown_to_those_who_may_see_them() -> None:
    made = house()
    await made.say("start sev2 checkout answers 500")
    await made.say("start private=yes sev1 checkout keys are gone", BEN)
    for path in ("/services", "/services/checkout"):
        said = await text(made, path, signed_in(ADA))
        assert "INC-1" in said
        assert "INC-2" not in said
        assert "keys are gone" not in said
        assert "INC-2" in await text(made, path, signed_in(BEN))


async def test_the_last_diagnosis_of_a_service_can_be_looked_into() -> None:
    made = house(captures=all_targets())
    await made.say("start sev2 checkout answers 500")
    await made.say("diagnose incident=INC-1")
    assert '<a href="/incidents/INC-1#diagnosis">cpu-hotspot, INC-1</a>' in await text(made, "/services/checkout")


async def test_targets_that_are_found_are_shown_and_who_was_left_out() -> None:
    found = Discovered(
        (Target("checkout-9", "checkout", "http://127.0.0.1:9", URL),), ("203.0.113.9 is not in the allow-list",)
    )
    said = await text(house(discovery=FakeDiscovery(found)), "/services/checkout")
    assert "checkout-9" in said
    assert "203.0.113.9 is not in the allow-list" in said


async def test_another_service_is_not_found() -> None:
    assert "There is no service nobody" in await text(house(), "/services/nobody", status=404)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "\u05e9\u05dc\u05d5\u05dd", "x" * 63])
async def test_names_are_text_whatever_they_hold(name: str) -> None:
    target = Target(name, name, "http://127.0.0.1:6060", f"https://x.test/{name}")
    made = house(Catalog((Service(name, (target,), edges=(Edge(f"https://cdn.test/{name}"),)),)))
    for path in ("/services", f"/services/{name.replace('/', '%2F')}"):
        answer = await client(made).get(path)
        assert "<script>alert" not in answer.text


@pytest.mark.parametrize("path", ["/services", "/services/checkout"])
async def test_a_page_is_told_when_its_targets_can_be_asked_again(path: str) -> None:
    made = house()
    stream = re.findall(r'data-stream="([^"]+)"', await text(made, path))[0]
    assert "event: changed" not in (await client(made, looks=1).get(stream)).text
    made.later(10)
    assert "event: changed" in (await client(made, looks=1).get(stream)).text
