"""What FirstFive counts about itself, for Prometheus."""

import platform
from collections import Counter as Tally
from collections.abc import Awaitable, Callable, Collection, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest

from bot.domain.incident import Severity
from bot.ports import Listed

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_RUN_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)
_ACK_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 3)
_OTHER = "other"


class Metrics:
    """The counters of one bot, in a registry of their own.

    `verbs` bounds the label of the same name, since anybody can type anything. `open_incidents` is asked at each
    exposition, so that the gauge tells what the database says and not what this process remembers.
    """

    def __init__(
        self,
        verbs: Collection[str],
        open_incidents: Callable[[], Awaitable[Sequence[Listed]]],
        *,
        version: str,
        commit: str = "",
    ) -> None:
        self._verbs = frozenset(verbs)
        self._list_open = open_incidents
        self._registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self._registry)
        self._commands = self._counter("firstfive_commands", "Commands admitted.", "verb", "via")
        self._runs = self._counter("firstfive_runs", "Runs that ended.", "playbook", "status")
        self._slack = self._counter("firstfive_slack_calls", "Calls to Slack, by how they ended.", "method", "outcome")
        self._run_seconds = Histogram(
            "firstfive_run_seconds",
            "How long runs took, from their start to their end.",
            ["playbook"],
            buckets=_RUN_S,
            registry=self._registry,
        )
        self._ack_seconds = Histogram(
            "firstfive_ack_seconds",
            "How long deliveries waited for their acknowledgement, the durable write included.",
            buckets=_ACK_S,
            registry=self._registry,
        )
        self._open = Gauge(
            "firstfive_open_incidents", "Incidents neither resolved nor closed.", ["severity"], registry=self._registry
        )
        Info("firstfive_build", "What is running.", registry=self._registry).info(
            {"version": version, "commit": commit, "python": platform.python_version()}
        )

    def command(self, verb: str, via: str) -> None:
        """Count an admitted command; `via` is the way it came in (slack, cli, api ...)."""
        self._commands.labels(verb if verb in self._verbs else _OTHER, via).inc()

    def run_ended(self, playbook: str, status: str, seconds: float) -> None:
        """Count a run that ended; `seconds` since it began."""
        name = playbook if playbook in self._verbs else _OTHER
        self._runs.labels(name, status).inc()
        self._run_seconds.labels(name).observe(seconds)

    def acknowledged(self, seconds: float) -> None:
        """Note how long a delivery waited for its acknowledgement."""
        self._ack_seconds.observe(seconds)

    def slack_call(self, method: str, outcome: str) -> None:
        """Count a call to Slack: its method (chat.postMessage) and "ok" or Slack's error word."""
        self._slack.labels(method, outcome).inc()

    async def exposition(self) -> bytes:
        """Give everything in Prometheus's text format (CONTENT_TYPE)."""
        tally = Tally(row.severity for row in await self._list_open())
        for severity in Severity:
            self._open.labels(severity.value).set(tally[severity])
        return generate_latest(self._registry)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(name, what, labels, registry=self._registry)
