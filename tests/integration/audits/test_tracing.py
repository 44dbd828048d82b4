"""The audit of tracing, on the lab's chain of three services, and on services that log in other ways."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_hex
from threading import Thread

import httpx
import pytest

from bot.adapters.targets.marked import REQUESTS, TracingLook
from bot.domain.audits import Audited, Subject, judge
from bot.domain.log_lines import MAX_LINES
from bot.domain.run import Missing
from bot.domain.service import Service, Target
from bot.ports import Wanted
from bot.wiring import AllTargets
from tests.lab import LabTarget, running_lab

WAIT_S, PATIENCE_S = 1.0, 30.0
"""For lines that never come, and for those that a busy machine brings late."""
CHECKOUT = Service("checkout", ())


async def look(
    targets: tuple[Target, ...], hops: Mapping[str, tuple[Target, ...]], wait_s: float = WAIT_S
) -> Subject | Missing:
    return await TracingLook(AllTargets(""), wait_s=wait_s)(Wanted(CHECKOUT, targets, hops=hops))


def told(seen: Subject | Missing) -> list[tuple[str, str, str]]:
    assert isinstance(seen, Subject), seen
    return [(each.grade.value, each.rule, each.where) for each in judge(Audited.TRACING, seen.document)]


def target(one: LabTarget) -> Target:
    return Target(one["name"], one["name"].partition("-")[0], one["pprof"], one["url"], log=one["log"])


@pytest.mark.go
@pytest.mark.timeout(600)
async def test_the_hop_of_the_lab_at_which_headers_are_dropped_is_named() -> None:
    with running_lab(targets=1, sick="none", rate=5, chain=True) as lab:
        checkout, pricing, warehouse = map(target, [*lab["targets"], *lab["chain"]])
        hops = {"pricing": (pricing,), "warehouse": (warehouse,)}
        whole = await look((checkout,), hops, PATIENCE_S)
        await switch(lab["lab"], "lost-traces")
        cut = await look((checkout,), hops, PATIENCE_S)

    assert isinstance(whole, Subject)
    assert whole.looked_at == f"{REQUESTS} marked requests, followed at checkout, pricing, warehouse"
    assert (told(whole), whole.unseen) == ([], ())
    where = "pricing -> warehouse"
    assert told(cut) == [("wrong", "new trace", where), ("risky", "lost", where)]


async def switch(lab: str, act: str) -> None:
    async with httpx.AsyncClient(timeout=60) as client:
        (await client.post(f"{lab}/debug/faults/{act}", json={"on": True})).raise_for_status()


Headers = Mapping[str, str]


@contextmanager
def serving(log: Path, line: Callable[[Headers], str], answer: Callable[[Headers], Headers]) -> Iterator[Target]:
    """Serve somebody who logs in a way of his own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            came = {name.lower(): value for name, value in self.headers.items()}
            with log.open("a") as file:
                file.write(line(came))
            self.send_response(200)
            for name, value in answer(came).items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    log.write_text("started\n")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        yield Target("checkout-1", "checkout", url, url, log=str(log))
        server.shutdown()


def trace(came: Headers) -> str:
    return came["traceparent"].split("-")[1]


def with_id(came: Headers) -> Headers:
    return {"X-Request-ID": came["x-request-id"]}


@pytest.mark.parametrize(
    ("line", "answer", "expected", "dark"),
    [
        # as slog, logfmt and Datadog write it
        (lambda came: f'{{"trace_id":"{trace(came)}","request_id":"{came["x-request-id"]}"}}\n', with_id, [], True),
        (lambda came: f"msg=x traceID={trace(came)} req_id={came['x-request-id']}\n", with_id, [], True),
        (lambda came: f"dd.trace_id={int(trace(came)[16:], 16)} GET /\n", with_id, [], True),
        # a new trace, and what an answer does to the id
        (
            lambda came: f"trace_id=0123456789abcdef0123456789abcdef request_id={came['x-request-id']}\n",
            lambda _: {"X-Request-ID": "my-own"},
            [("wrong", "new trace", "what is in front of it -> checkout"), ("risky", "answer", "checkout-1")],
            True,
        ),
        (lambda came: f"trace={trace(came)}\n", lambda _: {}, [("weak", "answer", "checkout-1")], True),
        # an answer tells what no log does
        (lambda _: "GET / 200\n", lambda came: {**with_id(came), "traceresponse": came["traceparent"]}, [], True),
        (
            lambda _: "GET / 200\n",
            lambda _: {},
            [("risky", "log", "checkout"), ("weak", "answer", "checkout-1")],
            False,
        ),
    ],
)
async def test_logs_and_answers_are_read_as_services_have_them(
    line: Callable[[Headers], str],
    answer: Callable[[Headers], Headers],
    expected: list[tuple[str, str, str]],
    dark: bool,  # noqa: FBT001 - a parameter of the test
    tmp_path: Path,
) -> None:
    with serving(tmp_path / "log", line, answer) as target:
        seen = await look((target,), {})
    assert isinstance(seen, Subject)
    assert told(seen) == expected
    assert any("baggage" in each and "do not tell" in each for each in seen.unseen) is dark
    assert "what checkout asks in turn: name it in `hops`" in seen.unseen


async def test_what_nobody_answers_or_can_be_read_is_said(tmp_path: Path) -> None:
    away = Target("checkout-1", "checkout", "http://127.0.0.1:1", "http://127.0.0.1:1")
    gone = await look((away,), {})
    assert isinstance(gone, Missing)
    assert gone.reason.startswith("no marked request was answered: ")
    none = await look((Target("checkout-1", "checkout", "http://127.0.0.1:1"),), {})
    assert none == Missing("no target of checkout has a `url` to send a request to")
    with serving(tmp_path / "log", lambda came: f"trace_id={trace(came)}\n", with_id) as target:
        seen = await look((target,), {"pricing": (Target("pricing-1", "pricing", "http://127.0.0.1:1"),)})
    assert isinstance(seen, Subject)
    assert "pricing-1: no `log` is configured" in seen.unseen
    assert "whether anything arrives at pricing: its log is not read" in seen.unseen


@pytest.mark.parametrize(
    ("lines", "expected", "dark"),
    [
        (1, [("risky", "lost", "checkout -> pricing")], ""),
        (MAX_LINES + 1, [], f"between two looks pricing-1 wrote more than is read of a log ({MAX_LINES} lines)"),
    ],
)
async def test_a_log_of_which_lines_were_missed_is_not_said_to_have_lost_anything(
    lines: int, expected: list[tuple[str, str, str]], dark: str, tmp_path: Path
) -> None:
    (behind := tmp_path / "pricing.log").write_text("started\n")
    pricing = Target("pricing-1", "pricing", "http://127.0.0.1:1", log=str(behind))

    def line(came: Headers) -> str:
        with behind.open("a") as file:
            file.writelines(f"trace_id={token_hex(16)} GET /price\n" for _ in range(lines))
        return f"traceparent={came['traceparent']} baggage={came['baggage']} tracestate={came['tracestate']}\n"

    with serving(tmp_path / "log", line, with_id) as target:
        seen = await look((target,), {"pricing": (pricing,)}, 0.1)
    assert isinstance(seen, Subject)
    assert (told(seen), seen.unseen) == (expected, (f"whether anything arrives at pricing: {dark}",) if dark else ())


async def test_a_replica_whose_log_is_not_read_may_have_got_the_request(tmp_path: Path) -> None:
    (behind := tmp_path / "pricing.log").write_text("started\n")
    replicas = (
        Target("pricing-1", "pricing", "http://127.0.0.1:1", log=str(behind)),
        Target("pricing-2", "pricing", "http://127.0.0.1:1"),
    )

    def line(came: Headers) -> str:
        with behind.open("a") as file:
            file.write(f"trace_id={token_hex(16)}\n")
        return f"trace_id={trace(came)}\n"

    with serving(tmp_path / "log", line, with_id) as target:
        seen = await look((target,), {"pricing": replicas}, 0.1)
    assert isinstance(seen, Subject)
    assert told(seen) == []
    assert "whether anything arrives at pricing: one of its logs is not read" in seen.unseen
