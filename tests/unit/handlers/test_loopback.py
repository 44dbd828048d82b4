"""Only this machine itself sees pages and API; only Slack's routes and the probes face a network."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from bot.adapters.documents import MarkdownDocuments
from bot.engine.admission import Admission
from handlers import errors, pages, probes
from handlers.api.application import AT, application
from handlers.loopback import LoopbackOnly
from tests.unit.web.story import ports_with, whole
from tests.ways import ways

HERE = ("127.0.0.1", 50_000)
PUBLIC = {"/slack/events", "/health/live", "/health/ready", "/metrics"}
FILLED = {
    "incident_id": "INC-7",
    "sha256": "0" * 64,
    "run_id": "r",
    "name": "live.js",
    "target": "checkout-1",
    "view": "cpu",
}


async def nothing() -> bytes:
    return b""


async def exposed(*_: object) -> tuple[bytes, str]:
    return b"", "text/plain"


def app() -> FastAPI:
    ports = ports_with(whole())
    made = FastAPI()
    made.add_middleware(LoopbackOnly)
    made.add_exception_handler(404, errors.not_found)
    made.include_router(probes.router({}, {}, exposed))
    made.include_router(pages.router(ports, MarkdownDocuments(), {}, stopping=lambda: True))
    made.mount(AT, application(Admission({}, ports), ports, {}))
    slack = APIRouter()
    slack.add_api_route("/slack/events", nothing, methods=["POST"])
    made.include_router(slack)
    return made


APP = app()


ROUTES = [(method, path.format(**FILLED)) for method, path in ways(APP)]

Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def ask() -> Ask:
    async def send(
        method: str, path: str, peer: tuple[str, int] | None = HERE, host: str = "127.0.0.1", **headers: str
    ) -> httpx.Response:
        transport = httpx.ASGITransport(APP, client=peer)  # type: ignore[arg-type]  # - a socket file has no peer
        given = {"Host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, path, headers=given)

    return send


def test_every_route_is_known_to_these_tests() -> None:
    paths = {path for _, path in ROUTES}
    assert paths >= PUBLIC
    assert paths >= {
        "/",
        "/incidents/INC-7",
        "/incidents/INC-7/live",
        "/api/v1/incidents",
        "/api/v1/commands",
        "/openapi.json",
    }


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_from_elsewhere_only_public_routes_answer(method: str, path: str, ask: Ask) -> None:
    answer = await ask(method, path, ("203.0.113.9", 1))
    if path in PUBLIC:
        assert answer.status_code == 200
    else:
        assert answer.status_code == 403
        kind = "application/problem+json" if path.startswith("/api/") else "text/plain; charset=utf-8"
        assert answer.headers["content-type"] == kind


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_through_a_tunnel_only_public_routes_answer(method: str, path: str, ask: Ask) -> None:
    answer = await ask(method, path, x_forwarded_for="203.0.113.9")
    assert (answer.status_code == 403) == (path not in PUBLIC)


@pytest.mark.parametrize("peer", [HERE, ("127.3.2.1", 1), ("::1", 1), ("::ffff:127.0.0.1", 1)])
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:3000", "localhost", "LOCALHOST:80", "[::1]:3000", "127.9.9.9"]
)
async def test_this_machine_sees_pages(peer: tuple[str, int], host: str, ask: Ask) -> None:
    assert (await ask("GET", "/", peer, host)).status_code == 200


@pytest.mark.parametrize(
    "peer", [("10.0.0.1", 1), ("192.168.1.2", 1), ("::ffff:10.0.0.1", 1), ("fe80::1%eth0", 1), ("testclient", 1), None]
)
async def test_other_machines_do_not(peer: tuple[str, int] | None, ask: Ask) -> None:
    answer = await ask("GET", "/", peer)
    assert answer.status_code == 403
    assert answer.text.startswith("Not shown: this request comes from another machine.")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil.example:80", "10.0.0.1", "[::2]", "",
     "2130706433", "0x7f.1", "localhost@evil.example", "127.0.0.1, evil.example", "[::1", "127.0.0.1:x"],
)  # fmt: skip
async def test_a_name_that_was_rebound_to_this_machine_does_not(host: str, ask: Ask) -> None:
    answer = await ask("GET", "/api/v1/incidents", host=host)
    assert answer.status_code == 403
    assert "Host header" in answer.text


@pytest.mark.parametrize(
    "header",
    [
        "Forwarded",
        "Via",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Anything",
        "X-Real-IP",
        "CF-Connecting-IP",
    ],
)
async def test_what_came_through_a_proxy_does_not(header: str, ask: Ask) -> None:
    answer = await ask("GET", "/incidents/INC-7", **{header: "127.0.0.1"})
    assert answer.status_code == 403
    assert "proxy or a tunnel" in answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 415),
        ({"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}, 415),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
async def test_a_change_must_come_from_our_own_page_or_from_none(
    headers: dict[str, str], status: int, ask: Ask
) -> None:
    assert (await ask("POST", "/api/v1/commands", **headers)).status_code == status


@pytest.mark.parametrize(
    "path", ["/slack", "/slackers", "/metrics/", "/metricsx", "/health", "/Slack/events", "//slack/x"]
)
async def test_what_only_resembles_a_public_path_is_guarded(path: str, ask: Ask) -> None:
    assert (await ask("GET", f"http://127.0.0.1{path}", ("203.0.113.9", 1))).status_code == 403


async def test_a_dotted_path_does_not_lead_from_a_public_one_to_a_page(ask: Ask) -> None:
    answer = await ask("GET", "/slack/%2e%2e/incidents/INC-7", ("203.0.113.9", 1))
    assert answer.status_code == 404
    assert "checkout" not in answer.text


async def test_guarded_answers_carry_safe_headers(ask: Ask) -> None:
    answer = await ask("GET", "/")
    assert answer.headers["content-security-policy"].startswith("default-src 'self';")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "access-control-allow-origin" not in answer.headers
