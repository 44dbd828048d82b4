"""Whatever a target sends stays words on the pages of what was captured of it."""

import json
from dataclasses import asdict, replace
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI

from bot.adapters.documents import MarkdownDocuments
from bot.domain.binary import Binary, Host, Program, write
from bot.domain.loading import Lack
from bot.domain.run import Plan, Run, Source
from bot.domain.snapshot import BINARY, LOG, RESTARTS, TLS, Captured, captured
from bot.domain.stacks import Frame
from bot.engine.admission import Admission
from bot.engine.tools import adapter_of
from handlers import operations, pages
from tests.fakes import FakeStore
from tests.fakes.readers import Read
from tests.unit.domain.captures import cpu, document, goroutines, parts_of
from tests.unit.domain.handshakes_made import LEAF, WELL, handshakes
from tests.unit.web.hostile import WORDS, dangers
from tests.unit.web.story import ANA, OPENED_AT, ports_with


def hostile(word: str) -> list[Captured]:
    """A target that says the same words wherever it can."""
    said = word.encode("utf-8", "replace").decode()
    frame = Frame(f"main.{said}", said, 3)
    contents = {
        "cpu": cpu(((frame, Frame(said)), 90)),
        "goroutine": goroutines(((frame,), 9)),
        "sockets": document({"states": {said: 3}}),
        "process": document({"pid": 1, "peer": said, "peer_sockets": 3}),
        "build": document({"go": said, "module": said, "settings": {"vcs.revision": said}}),
    }
    served = replace(LEAF, subject=said, issuer=said, names=(said,))
    told = replace(WELL, address=said, version=said, chain=(served,), code=20, reason=said, alpn=said, instead=said)
    tls = json.dumps(asdict(handshakes(told, name=said))).encode()
    probe = {"kind": said, "path": said, "scheme": said}
    life = {"exit": 1, "reason": said, "started_at": "2026-11-29T03:00:00Z", "finished_at": "2026-11-29T03:00:00Z"}
    pod = {"pod": said, "container": said, "restarts": 1, "ready": False, "probes": {"liveness": probe}, "last": life}
    pod["answers"] = {"liveness": {"status": 503, "seconds": 1.0, "said": said}}
    others = [captured(said, LOG, said.encode() or b" ", 0.1, error=said), captured(said, TLS, tls, 0.1)]
    program = Program(said, arch=said, interpreter=said, needs=((said, (said,)),), lacks=(Lack(said),), go=said)
    binary = write(Binary(Host(said, 3, said), listening=True, running=program, file=Program(said, said)))
    others.append(captured(said, BINARY, json.dumps(binary).encode(), 0.1))
    others.append(captured(said, RESTARTS, json.dumps(pod).encode(), 0.1))
    return [*parts_of(said, contents), *others]


async def looked_at(word: str) -> list[str]:
    """Give all pages of a snapshot in which everything says the same words."""
    ports = ports_with()
    assert isinstance(ports.store, FakeStore)
    said = word.encode("utf-8", "replace").decode()
    parts = hostile(word)
    for part in parts:
        await ports.artifacts.put(part.file, part.content)
    records = adapter_of(tuple[Captured, ...]).dump_python(tuple(part.without_content() for part in parts), mode="json")
    finding = {"fault": said, "target": said, "claim": f"{said} main.{said} (a.go:3)", "fix": said, "verify": said}
    result = {"service": said, "parts": records, "findings": [finding], "archive": {"sha256": "a" * 64, "name": said}}
    plan = Plan("snapshot", {}, ("look",))
    ports.store.now.runs["r1"] = Run("r1", plan, ANA, source=Source(), created_at=OPENED_AT, slot="s", result=result)
    app = FastAPI()
    app.add_middleware(Read)
    app.include_router(pages.router(ports, MarkdownDocuments(), {}))
    app.include_router(operations.router(Admission({}, ports), ports, {}))
    below = f"/runs/r1/targets/{quote(said, safe='')}"
    found = []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        for path in ("/runs/r1", below, f"{below}/flames/cpu"):
            answer = await client.get(path)
            assert answer.status_code in {200, 404}, path
            found.append(answer.text if answer.status_code == 200 else "")
    return found


@pytest.mark.matrix(sample=10)
@pytest.mark.parametrize("word", WORDS, ids=range(len(WORDS)))
async def test_no_word_of_a_target_acts_on_a_page(word: str) -> None:
    calm = await looked_at("harmless")
    for shown, expected in zip(await looked_at(word), calm, strict=True):
        assert expected
        assert not shown or dangers(shown) == dangers(expected)
