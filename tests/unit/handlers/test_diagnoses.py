"""The pages of a diagnosis show what proves it, target by target, and what is missing."""

import json
import re
from dataclasses import asdict, dataclass, replace
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
from fastapi import FastAPI

from bot.adapters.documents import MarkdownDocuments
from bot.domain.binary import write
from bot.domain.pods import PodsPlan
from bot.domain.snapshot import BINARY, GOROUTINE, LOG, RESTARTS, THREADS, TLS, Captured, captured, missed
from bot.domain.stacks import Frame
from bot.engine.admission import Admission
from handlers import errors, operations, pages
from tests.fakes import FakeTargets
from tests.fakes.readers import Read
from tests.unit.domain.captures import CHAN_RECEIVE, cpu, document, good_probe, goroutines, leaks, parts_of
from tests.unit.domain.go_profiles import SERVE, main_frame
from tests.unit.domain.handshakes_made import ALONE, handshakes
from tests.unit.domain.test_binary import BINARY as PROGRAM_AND_HOST
from tests.unit.playbooks.desk import CATALOG, REGISTRY, TARGETS, Desk, desk

ENCODE, HANDLE, WATCH = main_frame("encode", 56), main_frame("handle", 7), main_frame("watch", 44)
HOT = cpu(((ENCODE, HANDLE, *SERVE), 180), ((Frame("runtime.mallocgc"), HANDLE, *SERVE), 10))
COLD = cpu(((ENCODE, HANDLE, *SERVE), 2), ((main_frame("gone"), HANDLE, *SERVE), 3))
CHECKOUT, *_ = CATALOG.services
PODS = PodsPlan("https://cluster", "shop", "app=checkout")
OVER_TLS = tuple(replace(each, https="https://127.0.0.1:8443", pods=PODS) for each in TARGETS)
SECURE = replace(CATALOG, services=(replace(CHECKOUT, targets=OVER_TLS),))
SVG = "{http://www.w3.org/2000/svg}"


def sick(target: str) -> list[Captured]:
    """One target with all that a page can show."""
    parts = parts_of(
        target,
        {
            "cpu": HOT,
            "goroutine": goroutines(((*CHAN_RECEIVE, WATCH), 40), (SERVE, 9)),
            "goroutineleak": leaks(((*CHAN_RECEIVE, WATCH), 40)),
            "sockets": document({"states": {"ESTABLISHED": 1204, "CLOSE_WAIT": 3}, "unsent": 2}),
            "process": document({"pid": 7, "fds": 120, "fd_limit": 1024, "rss_bytes": 52_000_000, "uptime_s": 30.0}),
        },
    )
    tls = json.dumps(asdict(handshakes(ALONE))).encode()
    pod = {
        "pod": "checkout-7f", "restarts": 3, "ready": True, "probes": {"liveness": {"kind": "http", "path": "/livez"}},
        "last": {"exit": 137, "started_at": "2026-11-29T03:00:00Z", "finished_at": "2026-11-29T03:00:40Z"},
        "answers": {"liveness": {"status": 200, "seconds": 0.002, "said": "ok"}},
    }  # fmt: skip
    parts += [captured(target, BINARY, document(write(PROGRAM_AND_HOST)), 0.01)]
    parts += [captured(target, TLS, tls, 0.01), captured(target, RESTARTS, document(pod), 0.01)]
    return [*parts, missed(target, THREADS, f"{target}: threadcreate did not answer")]


@dataclass
class Seen:
    """A run of a desk, and a browser on its pages."""

    house: Desk
    run_id: str
    client: httpx.AsyncClient

    async def get(self, path: str, status: int = 200) -> str:
        answer = await self.client.get(path)
        assert answer.status_code == status, path
        return answer.text

    async def of_target(self, path: str = "", status: int = 200, target: str = "checkout-2") -> str:
        return await self.get(f"/runs/{self.run_id}/targets/{target}{path}", status)


def browser(house: Desk) -> httpx.AsyncClient:
    app = FastAPI()
    app.add_middleware(Read)
    app.add_exception_handler(404, errors.not_found)
    app.include_router(pages.router(house.ports, MarkdownDocuments(), REGISTRY, lambda: True))
    app.include_router(operations.router(Admission(REGISTRY, house.ports), house.ports, REGISTRY, lambda: True))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


def house_with(*captures: Captured, slow: str = "checkout-2") -> Desk:
    probes = tuple(good_probe(each.name, 900.0 if each.name == slow else 2.0) for each in TARGETS)
    return desk(catalog=SECURE, targets=FakeTargets(probes, list(captures)))


def all_targets() -> list[Captured]:
    healthy = [part for each in TARGETS if each.name != "checkout-2" for part in parts_of(each.name, {"cpu": COLD})]
    return [*sick("checkout-2"), *healthy]


async def seen(playbook: str = "diagnose", **params: Any) -> Seen:
    house = house_with(*all_targets())
    run = await house.run(playbook, {"service": "checkout", **params})
    return Seen(house, run.id, browser(house))


async def test_a_run_shows_its_findings_its_picture_and_its_targets() -> None:
    it = await seen()
    text = await it.get(f"/runs/{it.run_id}")
    for words in (
        "cpu-hotspot", "main.encode (checkout/main.go:56)", f'href="/runs/{it.run_id}/targets/checkout-2"',
        f'href="/runs/{it.run_id}/targets/checkout-3"', '<img src="/artifacts/', "Download everything",
        "checkout-2: threadcreate did not answer",
    ):  # fmt: skip
        assert words in text, words


async def test_the_page_of_an_incident_leads_to_the_targets_of_its_diagnosis() -> None:
    house = house_with(*all_targets())
    await house.say("start sev3 checkout slow")
    await house.reach("decide")  # the five minutes have a diagnosis of their own: that must not come last
    run = await house.say("diagnose incident=INC-1")
    it = Seen(house, run.id, browser(house))
    text = await it.get("/incidents/INC-1")
    section = text.partition('id="diagnosis"')[2].partition("</section>")[0]
    assert re.search(r'<span class="fault">cpu-hotspot</span>', section)
    assert f'href="/runs/{run.id}/targets/checkout-2"' in section
    target = await it.of_target()
    assert 'href="/incidents/INC-1#diagnosis"' in target


async def test_a_target_shows_who_waits_where_its_sockets_its_limits_and_its_log() -> None:
    text = await (await seen()).of_target()
    for words in (
        "main.watch (checkout/main.go:44)", "40 leaked", "chan receive", "CPU</a>", "1.90 s in 2.0 s",
        "<dt>ESTABLISHED</dt><dd>1,204</dd>", "2 hold bytes that nobody took", "120 of 1,024", "52 MB",
        "20: unable to get local issuer certificate; TLSv1.3, h2; shop.test; 30.0 days left",
        "/srv/checkout: built for amd64, by go1.27.3, loaded by /lib64/", "amd64 (level v3), glibc 2.36",
        "3; its last end: 03:00:40 UTC, exit code 137 after 40 s", "1 s for an answer; now 200 in 2 ms: ok",
        "threadcreate did not answer", "cpu-hotspot",
        "net/http.(*conn).serve (http/server.go:2157)", "Answers to users: 5 x 200 in 900 ms",
    ):  # fmt: skip
        assert words in text, words


async def test_where_the_first_reading_failed_the_second_is_shown() -> None:
    it = await seen("snapshot")
    again = captured("checkout-2", GOROUTINE, goroutines(((*CHAN_RECEIVE, main_frame("late", 3)), 77)), 0.1)
    await it.house.ports.artifacts.put(again.file, again.content)
    parts = [part for part in it.house.state.runs[it.run_id].result["parts"] if part["part"] != "goroutine"]
    failed = missed("checkout-2", GOROUTINE, "checkout-2: no answer in 3 s")
    second = replace(again.without_content(), part="goroutine-2")
    it.house.state.runs[it.run_id].result["parts"] = [
        *parts,
        *({**each.__dict__, "content": ""} for each in (failed, second)),
    ]
    text = await it.of_target()
    for words in ("main.late (checkout/main.go:3)", "checkout-2: no answer in 3 s", "77 in 1 group"):
        assert words in text, words


async def test_a_log_is_shown_as_text() -> None:
    it = await seen("snapshot")
    said = b"ERROR price of <b>cart</b> timed out"
    part = captured("checkout-2", LOG, said, 0.1)
    await it.house.ports.artifacts.put(part.file, said)
    record = part.without_content().__dict__ | {"content": ""}
    it.house.state.runs[it.run_id].result["parts"].append(record)
    assert "ERROR price of &lt;b&gt;cart&lt;/b&gt; timed out" in await it.of_target()


async def test_a_snapshot_alone_can_be_looked_into_and_blames_nobody() -> None:
    it = await seen("snapshot")
    assert f'href="/runs/{it.run_id}/targets/checkout-2"' in await it.get(f"/runs/{it.run_id}")
    text = await it.of_target("/flames/cpu")
    assert "blamed" not in text
    assert "main.encode" in text


async def test_a_flame_graph_is_on_its_page_with_what_costs_most() -> None:
    it = await seen()
    text = await it.of_target("/flames/cpu")
    drawn = ET.fromstring(text[text.index("<svg xmlns") : text.rindex("</svg>") + 6])  # noqa: S314 - our own
    blamed = [each for each in drawn if each.attrib["class"] == "own blamed"]
    assert [float(each.attrib["width"].rstrip("%")) for each in blamed] == [pytest.approx(100 * 180 / 190, abs=0.01)]
    assert "In its own code" in text
    assert "CPU: 1.90 s in 2.0 s, 0.95 cores busy" in text
    assert 'href="/runs/' + it.run_id + '/targets/checkout-2/flames/cpu?against=checkout-1"' in text
    assert "baseline" not in text
    assert "<script>" not in text
    assert "style=" not in text


async def test_a_flame_graph_can_be_saved_and_holds_no_script() -> None:
    it = await seen()
    answer = await it.client.get(f"/runs/{it.run_id}/targets/checkout-2/flames/cpu.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in answer.headers["content-security-policy"]
    root = ET.fromstring(answer.text)  # noqa: S314 - our own
    assert {each.tag for each in root.iter()} == {f"{SVG}{tag}" for tag in ("svg", "title", "rect", "text")}


async def test_a_profile_is_compared_with_another_target() -> None:
    text = await (await seen()).of_target("/flames/cpu?against=checkout-1")
    assert "Compared with checkout-1" in text
    assert 'class="grew-4 named"' in text
    assert "\u221230 ms" in text
    assert "main.gone" in text


async def test_a_profile_is_compared_with_the_baseline_where_one_is_known() -> None:
    probes = tuple(good_probe(each.name) for each in TARGETS)
    well = [part for each in TARGETS for part in parts_of(each.name, {"cpu": COLD})]
    targets = FakeTargets(probes, well)
    house = desk(targets=targets)
    await house.run("diagnose", {"service": "checkout"})
    house.later(600)
    targets.probes = {each.name: good_probe(each.name, 900.0) for each in TARGETS}
    targets.captures = all_targets()
    run = await house.run("diagnose", {"service": "checkout"})
    it = Seen(house, run.id, browser(house))
    assert "?against=baseline" in await it.of_target("/flames/cpu")
    text = await it.of_target("/flames/cpu?against=baseline")
    assert "Compared with its baseline of 20" in text
    assert 'class="grew-4' in text


@pytest.mark.parametrize(
    "path",
    ["/flames/none", "/flames/mutex", "/flames/cpu?against=nobody", "/flames/cpu?against=baseline", "/flames/x.svg"],
)
async def test_what_is_not_there_is_not_found(path: str) -> None:
    await (await seen()).of_target(path, 404)


async def test_other_runs_and_other_targets_are_not_found() -> None:
    it = await seen()
    await it.of_target(status=404, target="nobody")
    await it.get("/runs/none/targets/checkout-2", 404)
    assert "the answer" not in await it.get(f"/runs/{it.run_id}/targets/checkout-2%2F..", 404)


async def test_bytes_that_retention_removed_are_missing_and_nothing_breaks() -> None:
    it = await seen()
    it.house.ports.artifacts.kept.clear()  # type: ignore[attr-defined]
    text = await it.of_target()
    assert "its bytes were removed by retention" in text
    assert "They could not be counted." in text
    await it.of_target("/flames/cpu", 404)
