"""A person looks through a service from Slack, and by the command line: its metrics, its hops, a trace, its logs.

Everything is real but the store of log lines, which answers as Elasticsearch's API does. Slack delivers by Socket Mode.
"""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli import firstfive
from tests.house.tree import ROOT
from tests.integration.emulator_process import eventually
from tests.lab import Lab, LabTarget, running_lab
from tests.logstores.elasticsearch import Elasticsearch
from tests.logstores.serving import serving
from tests.logstores.shop import NOON, TRACE, request
from tests.samples import SCENARIOS
from tests.stack import Stack, running_stack

SOON_S = 30.0
pytestmark = [SCENARIOS, pytest.mark.go, pytest.mark.timeout(600)]


def lately() -> list[dict[str, Any]]:
    """Give the lines of the shop's request as if they had been written just now."""
    passed = datetime.now(UTC) - NOON
    return [
        each | {"@timestamp": (datetime.fromisoformat(each["@timestamp"]) + passed).isoformat()} for each in request()
    ]


def served(target: LabTarget) -> list[str]:
    told = {"name": target["name"], "pprof": target["pprof"], "url": target["url"], "log": target["log"]}
    return ["[[services.targets]]", *(f'{key} = "{value}"' for key, value in told.items())]


def behind(lab: Lab, careless: Path) -> Sequence[str]:
    """Configure what the lab's service asks in turn, and a service of which only the source is known."""
    pricing, warehouse = lab["chain"]
    return [
        'hops = ["pricing", "warehouse"]',
        f'log = "{lab["targets"][0]["log"]}"',
        *("[[services]]", 'name = "pricing"', *served(pricing)),
        *("[[services]]", 'name = "warehouse"', *served(warehouse)),
        *("[[services]]", 'name = "careless"', f'repository = "{careless}"'),
    ]


def committed(folder: Path) -> Path:
    """Give a repository with a service that logs as it should not."""
    subprocess.run(["cp", "-r", str(ROOT / "tests/services/careless"), str(folder)], check=True)
    for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "Begin")):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=folder, check=True)
    return folder


async def said(stack: Stack, words: str) -> list[str]:
    """Type a verb; give the lines of what is answered to whoever typed it, and its buttons, as Slack shows them."""
    before = len((await stack.slack.channel("general"))["ephemerals"])
    await stack.type(f"/incident {words}")

    async def answer() -> Any:
        shown = (await stack.slack.channel("general"))["ephemerals"][before:]
        return [each for each in shown if each["text"] != "On it."]

    (found,) = await eventually(answer, SOON_S)
    texts = [block["text"]["text"] for block in found["blocks"] if block["type"] == "section"]
    buttons = [one for block in found["blocks"] if block["type"] == "actions" for one in block["elements"]]
    return [*unescape("\n".join(texts)).splitlines(), *(f"[{one['text']['text']}]" for one in buttons)]


async def typed(stack: Stack, *words: str) -> list[str]:
    """Do it by the command line; give the lines of what is printed, but for the files that were kept."""
    environment = {**stack.bot.environment, "SLACK_BOT_TOKEN": ""}  # a terminal needs nothing of Slack
    done = await asyncio.to_thread(firstfive, "run", *words, **environment)
    assert done.exit_code == 0, done.stderr
    return [line for line in done.stdout.splitlines() if "sha256" not in line]


def same(answer: list[str], verb: str, by_command_line: list[str]) -> None:
    """Hold what Slack shows against what a terminal does: the same, as each of them writes it."""
    shown = [line for line in answer if not line.startswith("[")]
    assert [shown[0].removeprefix(f"`{verb}` is done: "), *shown[1:]] == [
        by_command_line[0].removeprefix(f"{verb} done: "), *by_command_line[1:],
    ]  # fmt: skip


TRACING = """\
`audit` is done: 3 marked requests, followed at checkout, pricing, warehouse: 2 remarks.
\u2022 *wrong* `pricing -> warehouse`: on all 3 marked requests a new trace begins here (...). Better: in pricing, \
call with the context of the request that came in, by a client whose Transport is otelhttp.NewTransport, and set \
propagation.TraceContext{} with otel.SetTextMapPropagator; without OpenTelemetry copy traceparent and tracestate; \
if it is sent and warehouse does not read it, wrap its handler in otelhttp.NewHandler, with the same propagators.
\u2022 *risky* `pricing -> warehouse`: on all 3 marked requests tracestate does not arrive. Better: in pricing, \
pass tracestate on with traceparent: propagation.TraceContext{} does both.
[Open it]""".splitlines()
LOGS = """\
`audit` is done: 1 Go file at HEAD: 1 remark.
\u2022 *risky* `main.go:42:3`: fmt.Fprintln prints to standard error, where a service should log. \
Better: slog.Info("what happened", "line", line).
[Open it]""".splitlines()
TRACED = [
    "`trace` is done: *payment fails first with 503 (by way of gateway > checkout): bank refused*.",
    f"Trace `{TRACE}`: 6 lines of 3 services in 3 spans, 120 ms.",
    "```",
    "x gateway POST /pay 120 ms 502",
    "  x checkout POST /charge 95 ms 502",
    "    x payment Charge 75 ms 503 FIRST TO FAIL",
    "```",
    "\u2022 payment took longest by itself: 75 ms of 120 ms.",
    "[See it]",
]


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[Stack]:
    """Run a bot in front of a local Slack, a chain of services of which one loses traces, and a store of lines."""
    careless = committed(folder / "careless")
    with running_lab(targets=1, sick="none", rate=1, chain=True) as lab, serving(Elasticsearch(lately())) as store:
        async with httpx.AsyncClient(timeout=60) as client:
            (await client.post(f"{lab['lab']}/debug/faults/lost-traces", json={"on": True})).raise_for_status()
        logs = ["[logs]", 'store = "elasticsearch"', f'url = "{store}"']
        more: dict[str, Any] = {"service": behind(lab, careless), "emulator_options": ["--socket-mode"]}
        async with running_stack(folder, lab=lab, config=logs, **more) as stack:
            yield stack


async def test_a_person_sees_through_a_service_and_a_terminal_is_told_the_same(tmp_path: Path) -> None:
    async with house(tmp_path) as stack:
        metrics = await said(stack, "audit metrics checkout")
        assert metrics == ["`audit` is done: /metrics of checkout-1: no remarks.", "[Open it]"]
        same(metrics, "audit", await typed(stack, "audit", "what=metrics", "service=checkout"))

        tracing = await said(stack, "audit tracing checkout")
        assert [re.sub(r"\([0-9a-f]{32}\)", "(...)", line) for line in tracing] == TRACING

        assert await said(stack, "audit logs careless") == LOGS
        by_path = await typed(stack, "audit", "what=logs", f"repo={tmp_path}/careless")
        same(LOGS, "audit", [by_path[0].replace("at careless", "at HEAD"), *by_path[1:]])

        assert await said(stack, f"trace {TRACE}") == TRACED
        same(TRACED, "trace", await typed(stack, "trace", f"trace_id={TRACE}"))

        (refused,) = await said(stack, "trace nonsense")
        assert refused.startswith(f"`nonsense` is no id of a trace: that has 32 hex digits, such as `{TRACE}`; a whole")
        (nothing,) = await said(stack, f"trace {'f' * 32}")
        assert nothing.startswith(f"No line of trace {'f' * 32} was written in the last 1d to logs-* of http://")

        async with httpx.AsyncClient() as client:
            exposed = (await client.get(f"{stack.bot.url}/metrics")).text
        assert "firstfive_ack_seconds_count 6.0" in exposed  # by Socket Mode, which is how Slack delivers here
