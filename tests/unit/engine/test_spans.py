"""Which trace a run belongs to, where nothing records spans: known from the run alone, whoever executes it."""

from dataclasses import replace

import pytest
from opentelemetry import context, trace
from opentelemetry.trace import SpanContext

from bot.domain.run import Plan, Run, Source
from bot.domain.timeline import Person
from bot.engine import spans
from tests.fakes import NOON

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SENT = f"00-{TRACE}-{CALLER}-01"
RUN = Run("5f0c2a9be171", Plan("list", {}, ("list",)), Person("U1", "ada"), Source(), NOON, "slot")


def current() -> SpanContext:
    return trace.get_current_span().get_span_context()


def of(run: Run) -> tuple[int, int]:
    with spans.of_run(run):
        return current().trace_id, current().span_id


def test_a_run_has_a_trace_of_its_own_and_the_same_one_at_every_execution() -> None:
    assert of(RUN) == of(replace(RUN, fence=2, incident_id="INC-1"))
    assert of(RUN) != of(replace(RUN, id="other"))
    assert not current().is_valid


def test_a_run_goes_on_with_the_trace_of_the_request_that_asked_for_it() -> None:
    asked = context.attach(spans.received(SENT, "tenant-id=prod,login=ghp_0123456789abcdefghijABCDEFGHIJ"))
    source = spans.carried(Source(via="api"))
    context.detach(asked)
    assert source == Source(via="api", traceparent=SENT, baggage="tenant-id=prod,login=[redacted:github-token]")
    assert of(replace(RUN, source=source))[0] == int(TRACE, 16)


def test_a_child_is_begun_by_the_step_that_is_under_way() -> None:
    with spans.of_run(RUN), spans.of_step(RUN, "list", NOON):
        step = current()
        child = spans.carried(Source(via="run"))
    assert child.traceparent == f"00-{step.trace_id:032x}-{step.span_id:016x}-01"
    assert of(replace(RUN, id=f"{RUN.id}.page", source=child))[0] == of(RUN)[0]


@pytest.mark.parametrize("sent", ["", "nonsense", f"00-{'0' * 32}-{CALLER}-01", f"00-{TRACE}-{'0' * 16}-01"])
def test_what_cannot_be_read_counts_as_not_sent(sent: str) -> None:
    asked = context.attach(spans.received(sent, "a=b"))
    source = spans.carried(Source())
    context.detach(asked)
    assert source == Source()
    assert of(replace(RUN, source=Source(traceparent=sent))) == of(RUN)


def test_where_nothing_records_nobody_is_told() -> None:
    headers: dict[str, str] = {}
    with spans.of_run(RUN), spans.asking("GET", "10.2.0.11", 6060, "/debug/pprof/", headers):
        assert headers == {}


def test_where_nothing_records_no_span_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "_TRACER", None)  # whoever would begin one of it fails
    with spans.of_run(RUN) as run, spans.of_step(RUN, "list", NOON) as step:
        with spans.asking("GET", "10.2.0.11", 6060, "/debug/pprof/", {}) as asked:
            assert asked is trace.INVALID_SPAN
        assert not run.span.is_recording()
        assert not step.span.is_recording()
        step.end("failed", "INC-1")
        run.end("failed", "INC-1")
