"""The table of a canary: where its numbers come from, and what it is judged by."""

from typing import Literal, Self

from pydantic import Field, model_validator

from bot.domain.canary import CanaryPlan, Policy
from bot.domain.counters import selector
from bot.settings.tables import Address, Table

_REQUESTS, _LATENCY = "http_requests_total", "http_request_duration_seconds_bucket"


class CanaryTable(Table):
    """A canary beside its baseline: raw counters of both, told apart by a label, and the thresholds."""

    exposition: Address | None = None
    requests: str = ""
    latency: str = ""
    latency_unit: Literal["s", "ms"] = "s"
    track_label: str = "track"
    canary: str = "canary"
    baseline: str = "baseline"
    interval_s: float = Field(1.0, ge=0.5, le=60)
    errors_over: float = Field(0.05, gt=0, le=0.5)
    errors_window_s: float = Field(60.0, ge=10, le=3_600)
    errors_dry_run: bool = False
    latency_over_s: float = Field(0.2, ge=0, le=60)
    latency_window_s: float = Field(30.0, ge=10, le=3_600)
    latency_dry_run: bool = False
    fewest: int = Field(10, ge=1, le=10_000)
    settle_s: float = Field(30.0, ge=0, le=3_600)

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        for text in filter(None, (self.requests, self.latency)):
            selector(text)
        if self.canary == self.baseline:
            raise ValueError("canary and baseline must be two values of the label")
        return self


def canary_plan(table: CanaryTable | None, service: str) -> CanaryPlan | None:
    """Give a canary as the domain knows it; `$service` in a selector is its name."""
    if table is None:
        return None
    job = "" if table.exposition else '{job="$service"}'
    requests, latency = table.requests or _REQUESTS + job, table.latency or _LATENCY + job
    return CanaryPlan(
        requests=requests.replace("$service", service),
        latency=latency.replace("$service", service),
        track_label=table.track_label,
        canary=table.canary,
        baseline=table.baseline,
        exposition=table.exposition,
        latency_unit=table.latency_unit,
        interval_s=table.interval_s,
        policy=Policy(
            errors_over=table.errors_over,
            errors_window_s=table.errors_window_s,
            errors_dry_run=table.errors_dry_run,
            latency_over_s=table.latency_over_s,
            latency_window_s=table.latency_window_s,
            latency_dry_run=table.latency_dry_run,
            fewest=table.fewest,
            settle_s=table.settle_s,
        ),
    )
