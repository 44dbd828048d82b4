"""What is counted is exposed under its name, with labels that have an end, and with the trace it belongs to."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import cycle
from typing import Any

import pytest
from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from structlog.testing import capture_logs

import playbooks
from bot.adapters.metrics import Metrics, Words
from bot.adapters.targets.exposition import describe
from bot.adapters.timed import timed
from bot.domain.approval import Decision
from bot.domain.audits import Audited, judge
from bot.domain.incident import Severity
from bot.domain.run import Missing, Plan, Run, RunStatus, Source
from bot.domain.timeline import Person
from bot.engine.playbook import load
from bot.ports import Moment, Observer, Pulse, Standing, Unobserved
from tests.fakes import NOON
from tests.house.tree import ROOT

STANDING = Standing({Severity.SEV2: 1}, waiting=3, running=2, oldest_waiting_s=4.5, approvals=1, oldest_approval_s=61.0)
MOMENT = Moment(STANDING, Pulse(2, 0.25), {"database": True, "engine": False}, {"slack": True})
STEPS = {name: playbook.step_names for name, playbook in load(playbooks).items()}
OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2"
TRACE = 0x4BF92F3577B34DA6A3CE929D0E0E4736


def metrics() -> Metrics:
    return Metrics(STEPS, version="1.2.3", commit="91ad02f")


def run(playbook: str = "snapshot", **changes: Any) -> Run:
    plan = Plan(playbook, {}, ("begin",))
    times = {"created_at": NOON, "started_at": NOON + timedelta(seconds=0.2), "ended_at": NOON + timedelta(seconds=2.6)}
    return Run("r1", plan, Person("U1", "Ann"), Source(), slot="r1", **{"status": RunStatus.DONE, **times, **changes})


def busy(counted: Metrics) -> Metrics:
    """Tell it one of everything; of names, every one there is."""
    took = cycle((0.05, 0.5, 5.0, 30.0))
    for name, steps in STEPS.items():
        counted.command(name, "slack")
        counted.run_ended(run(name))
        for step, seconds in zip(steps, took, strict=False):
            counted.step_ended(name, step, "done", seconds)
    counted.run_begun(run(fence=1))
    counted.run_begun(run(fence=2))
    counted.acknowledged(0.004)
    counted.slack_call("chat.postMessage", "ratelimited", 0.3)
    counted.adapter_call("targets", "probe", "ok", 0.02)
    counted.approval_decided(Decision.EXPIRED, 600.0)
    counted.written(0.006)
    counted.stream_opened()
    return counted


async def told(counted: Metrics, moment: Moment = MOMENT, accept: str = "") -> list[str]:
    content, _ = await counted.exposition(moment, accept)
    return content.decode().splitlines()


@contextmanager
def within_a_span(*, flags: int = TraceFlags.SAMPLED, trace_id: int = TRACE) -> Iterator[None]:
    span = NonRecordingSpan(SpanContext(trace_id, 7, is_remote=False, trace_flags=TraceFlags(flags)))
    token = context.attach(trace.set_span_in_context(span))
    yield
    context.detach(token)


async def test_what_was_counted_is_exposed_under_its_name() -> None:
    lines = await told(busy(metrics()))
    for line in (
        'firstfive_commands_total{verb="start",via="slack"} 1.0',
        'firstfive_runs_total{playbook="snapshot",status="done"} 1.0',
        "firstfive_runs_resumed_total 1.0",
        'firstfive_run_seconds_bucket{le="2.5",playbook="snapshot"} 1.0',
        'firstfive_run_seconds_bucket{le="1.0",playbook="snapshot"} 0.0',
        "firstfive_run_wait_seconds_count 1.0",
        'firstfive_ack_seconds_bucket{le="0.005"} 1.0',
        'firstfive_slack_calls_total{method="chat.postMessage",outcome="ratelimited"} 1.0',
        'firstfive_adapter_calls_total{adapter="targets",call="probe",outcome="ok"} 1.0',
        'firstfive_approval_wait_seconds_count{decision="expired"} 1.0',
        'firstfive_approval_wait_seconds_count{decision="approved"} 0.0',
        "firstfive_open_streams 1.0",
        'firstfive_open_incidents{severity="SEV2"} 1.0',
        'firstfive_open_incidents{severity="SEV1"} 0.0',
        'firstfive_unended_runs{state="waiting"} 3.0',
        "firstfive_oldest_waiting_run_seconds 4.5",
        "firstfive_waiting_approvals 1.0",
        "firstfive_replicas 2.0",
        "firstfive_heartbeat_age_seconds 0.25",
        'firstfive_part_usable{part="engine"} 0.0',
        'firstfive_part_degraded{part="slack"} 1.0',
    ):
        assert line in lines
    [build] = [line for line in lines if line.startswith("firstfive_build_info{")]
    assert 'commit="91ad02f"' in build
    assert 'version="1.2.3"' in build


async def test_what_is_not_known_now_is_left_out_and_not_told_as_zero() -> None:
    text = "\n".join(await told(metrics(), Moment()))
    for name in ("open_incidents", "unended_runs", "waiting_approvals", "replicas", "heartbeat_age_seconds"):
        assert f"firstfive_{name}" not in text
    assert "firstfive_commands" in text


async def test_words_that_anybody_typed_do_not_become_labels() -> None:
    counted = metrics()
    for word in ("strat", "snapshoot", "a" * 5_000):
        counted.command(word, "slack")
        counted.run_ended(run(word))
        counted.step_ended(word, "x", "done", 1.0)
        counted.step_ended("start", word, "done", 1.0)
    lines = await told(counted)
    assert 'firstfive_commands_total{verb="other",via="slack"} 3.0' in lines
    assert 'firstfive_steps_total{outcome="done",playbook="start",step="other"} 3.0' in lines
    assert not [line for line in lines if "snapshoot" in line or "aaa" in line]


def test_words_of_the_other_side_have_an_end() -> None:
    words = Words(most=3)
    given = [words(word) for word in ("ok", "not_in_channel", 'x"}\n', "http_502", "late", "ok", "w" * 90)]
    assert given == ["ok", "not_in_channel", "other", "http_502", "other", "ok", "other"]


async def test_an_exposition_with_every_label_is_clean_by_our_own_audit() -> None:
    document = {"targets": {"firstfive": describe("\n".join(await told(busy(metrics()))))}}
    assert judge(Audited.METRICS, document) == ()


async def test_observations_within_a_trace_that_is_kept_name_it() -> None:
    counted = metrics()
    with within_a_span():
        counted.acknowledged(0.004)
    content, kind = await counted.exposition(MOMENT, OPENMETRICS)
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    read: Any = text_string_to_metric_families
    samples = [sample for family in read(content.decode()) for sample in family.samples]
    [named] = [sample for sample in samples if sample.exemplar]
    assert (named.name, named.labels["le"], named.exemplar.labels) == (
        "firstfive_ack_seconds_bucket", "0.005", {"trace_id": f"{TRACE:032x}"},
    )  # fmt: skip
    plain, kind = await counted.exposition(MOMENT, "*/*")
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    assert b"trace_id" not in plain


@pytest.mark.parametrize("span", [{"flags": 0}, {"trace_id": 0}], ids=["not kept", "not valid"])
async def test_a_trace_that_nobody_can_look_up_is_not_named(span: dict[str, int]) -> None:
    counted = metrics()
    with within_a_span(**span):
        counted.acknowledged(0.004)
    counted.acknowledged(0.004)
    assert "trace_id" not in "\n".join(await told(counted, accept=OPENMETRICS))


def test_what_cannot_be_counted_breaks_nobody_who_tells_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = metrics()

    def refuse(*_: object) -> None:
        raise ValueError("no such label")

    for kind, act in ((Counter, "inc"), (Histogram, "observe"), (Gauge, "inc"), (Gauge, "dec")):
        monkeypatch.setattr(kind, act, refuse)
    with capture_logs() as logged:
        busy(counted).stream_closed()
    told_of = {line["what"] for line in logged if line["event"] == "not counted"}
    assert told_of == {name for name, value in vars(Metrics).items() if hasattr(value, "__wrapped__")}
    assert {name for name in dir(Unobserved) if not name.startswith("_")} <= told_of


async def test_two_bots_in_one_process_do_not_share_counters() -> None:
    first, second = metrics(), metrics()
    first.command("start", "cli")
    assert 'verb="start"' not in "\n".join(await told(second))


async def test_calls_of_an_adapter_are_timed_by_how_they_ended_and_do_the_same() -> None:
    class Adapter:
        place = "here"

        async def ask(self, what: str) -> str | Missing:
            if what == "boom":
                raise OSError(what)
            return Missing("nobody answers") if what == "nothing" else what

    calls: list[tuple[str, str, str]] = []
    adapter = timed(Adapter(), "prometheus", lambda *call: calls.append(call[:3]))
    assert adapter.place == "here"
    assert [await adapter.ask("up"), await adapter.ask("nothing")] == ["up", Missing("nobody answers")]
    with pytest.raises(OSError, match="boom"):
        await adapter.ask("boom")
    assert calls == [("prometheus", "ask", outcome) for outcome in ("ok", "missing", "raised")]


def test_it_is_an_observer() -> None:
    observer: Observer = metrics()
    assert observer


async def test_the_page_lists_what_is_exposed_with_type_and_labels() -> None:
    lines = await told(busy(metrics()))
    kinds = dict(line.split()[2:4] for line in lines if line.startswith("# TYPE firstfive_"))
    labels = {name: set[str]() for name in kinds}
    for line in lines:
        if found := re.match(r"(firstfive_\w+?)(?:_bucket|_sum|_count)?\{(.*)\}", line):
            labels[found[1]] |= set(re.findall(r"(\w+)=", found[2])) - {"le"}
    expected = {name: [kind, " ".join(f"`{label}`" for label in sorted(labels[name]))] for name, kind in kinds.items()}
    rows = (line.strip("|").split(" | ") for line in (ROOT / "docs/monitoring.md").read_text().splitlines())
    found_ = {row[0].strip(" `"): [row[1].strip(), row[2].strip()] for row in rows if row[0].startswith(" `firstfive_")}
    assert found_ == expected, "\n".join(f"| `{name}` | {kind} | {those} |" for name, (kind, those) in expected.items())
