"""`firstfive doctor` asks the collector of spans whether it takes them."""

from pathlib import Path
from typing import Any

from bot.doctor import Doctor
from bot.domain.checks import State
from bot.settings import Settings
from tests.collector import running_collector


async def found(folder: Path, **given: Any) -> list[tuple[State, str]]:
    """Give what is found about spans, of an installation that has nothing else."""
    places = {"database_url": f"sqlite:///{folder}/firstfive.db", "artifacts_url": str(folder / "artifacts")}
    checks = await Doctor(Settings(**places, **given)).checks()
    return [(check.state, check.said) for check in checks if check.name == "telemetry"]


async def test_a_collector_is_asked_whether_it_takes_spans(tmp_path: Path) -> None:
    with running_collector() as there:
        headers = {"otel_exporter_otlp_headers": "Authorization=Bearer%20of-the-collector"}
        assert await found(tmp_path, telemetry={"endpoint": there.url}, **headers) == [(State.OK, there.url)]
        assert there.tokens == {"Bearer of-the-collector"}
    gone = [(State.WARN, f"{there.url}: no answer: ConnectError; spans are lost")]
    assert await found(tmp_path, telemetry={"endpoint": there.url}) == gone
    assert await found(tmp_path, otel_exporter_otlp_endpoint=there.url) == gone
    assert await found(tmp_path) == []
