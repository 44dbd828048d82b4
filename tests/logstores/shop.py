"""Lines of a shop: a request through gateway, checkout and payment, which refuses; as each service writes them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
GATEWAY, CHECKOUT, PAYMENT = "00f067aa0ba902b7", "b7ad6b7169203331", "c8be7c8270314442"
SECRET = "hunter2hunter2"


def at(ms: float) -> str:
    """Write a time so many milliseconds after the request began."""
    return (NOON - timedelta(minutes=5) + timedelta(milliseconds=ms)).isoformat()


def ecs(ms: float, service: str, span: str, parent: str, message: str, **more: Any) -> dict[str, Any]:
    """Write a line as ECS has it, nested."""
    told: dict[str, Any] = {
        "@timestamp": at(ms),
        "message": message,
        "trace": {"id": TRACE},
        "span": {"id": span},
        "service": {"name": service},
        "log": {"level": "info"},
    }
    return told | ({"parent": {"id": parent}} if parent else {}) | more


def zap(ms: float, service: str, span: str, parent: str, message: str, **more: Any) -> dict[str, Any]:
    """Write a line as services with names of their own do, flat."""
    told = {"@timestamp": at(ms), "level": "info", "msg": message, "trace_id": TRACE, "service": service}
    return told | {"span_id": span, "parent_span_id": parent} | more


def request() -> list[dict[str, Any]]:
    """Give the lines of the request: it takes 120 ms, and fails for what payment says."""
    return [
        ecs(0, "gateway", GATEWAY, "", "POST /pay"),
        zap(10, "checkout", CHECKOUT, GATEWAY, "charging", operation="POST /charge"),
        zap(20, "payment", PAYMENT, CHECKOUT, "asking the bank", operation="Charge"),
        zap(90, "payment", PAYMENT, CHECKOUT, "bank refused", level="error", status=503, duration_ms=75),
        zap(100, "checkout", CHECKOUT, GATEWAY, "payment failed", level="error", status=502, duration_ms=95),
        ecs(
            120, "gateway", GATEWAY, "", "POST /pay failed", event={"duration": 120_000_000},
            http={"response": {"status_code": 502}}, log={"level": "error"},
        ),
    ]  # fmt: skip


def many(lines: int) -> Iterator[dict[str, Any]]:
    """Give a trace of so many lines: ten to a span, fifty services, each span calls three within its own time."""
    times: list[tuple[float, float]] = []
    for span in range(lines // 10):
        before, place = divmod(span - 1, 3)
        begins, took = times[before] if span else (0.0, 60_000.0)
        begins, took = (begins + took * (2 * place + 1) / 7, took / 7) if span else (begins, took)
        times.append((begins, took))
        parent, service = f"{before + 1:016x}" if span else "", f"service-{span % 50}"
        more = {"status": 500, "level": "error"} if span == lines // 20 else {}
        for part in range(10):
            said = f"part {part} of {span} done"
            yield zap(begins + took * part / 9, service, f"{span + 1:016x}", parent, said, **more)


def as_loki(documents: list[dict[str, Any]]) -> list[tuple[int, dict[str, str], str]]:
    """Give lines as Loki keeps them: JSON, under a label."""
    rows = []
    for each in documents:
        moment = datetime.fromisoformat(each["@timestamp"])
        nanoseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1_000
        said = {name: value for name, value in each.items() if name != "@timestamp"}
        rows.append((nanoseconds, {"service_name": "shop"}, json.dumps(said)))
    return rows
