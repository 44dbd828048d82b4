"""Deliveries of alerts, as Alertmanager and Grafana send them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.fakes import NOON

Json = dict[str, Any]


def alert(
    name: str = "HighErrorRate",
    *,
    status: str = "firing",
    starts_at: datetime = NOON,
    labels: Mapping[str, str] | None = None,
    **more: Any,
) -> Json:
    """Give one alert of a delivery; by default a critical one of checkout that began at noon."""
    return {
        "status": status,
        "labels": {"alertname": name, "severity": "critical", "service": "checkout", **(labels or {})},
        "annotations": {"summary": "5xx above 5 %"},
        "startsAt": starts_at.isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.test/graph?g0.expr=up",
        **more,
    }


def delivery(*alerts: Json, group: str = '{}:{alertname="HighErrorRate"}') -> Json:
    """Give the body of a delivery (prometheus.io/docs/alerting/latest/configuration, webhook_config)."""
    return {
        "version": "4",
        "groupKey": group,
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "firstfive",
        "groupLabels": {"alertname": "HighErrorRate"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.test",
        "alerts": list(alerts),
    }
