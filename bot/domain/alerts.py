"""Alerts that other systems send: read from their payloads, and routed to what is to be done about them.

Payloads: the webhook of Alertmanager (version 4), and that of Grafana's unified alerting, which is the same with more
links. Nothing in them is trusted: texts are cut, addresses that are no web pages are dropped.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from bot.domain.errors import AlertsRefused
from bot.domain.incident import Severity
from bot.domain.redaction import redact
from bot.domain.timeline import Person, storable

_NAME, _TEXT, _LINK, _LABEL = 120, 300, 1_000, 1_000
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_MAPPED_MAX = 100
_PAGE = re.compile(r"https?://[!-~]+")


class Sender(StrEnum):
    """Who sends alerts; the guard of builds is our own."""

    ALERTMANAGER = "alertmanager"
    GRAFANA = "grafana"
    GUARD = "guard"

    @property
    def person(self) -> Person:
        """The author of what its alerts do."""
        return Person(f"alerts:{self.value}", self.value.capitalize())


class Do(StrEnum):
    """What is done about an alert."""

    OPEN = "open"
    PROPOSE = "propose"
    IGNORE = "ignore"


@dataclass(frozen=True)
class Alert:
    """One alert as it was sent. `group` is the sender's own key of the group it came in."""

    fingerprint: str
    group: str
    name: str
    firing: bool
    starts_at: datetime
    summary: str = ""
    link: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AlertRoute:
    """A rule: alerts whose labels fit `match` (`*` and `?` as in file names) get what it names; first fit wins."""

    match: Mapping[str, str] = field(default_factory=dict)
    service: str = ""
    severity: Severity | None = None
    do: Do | None = None

    def fits(self, alert: Alert) -> bool:
        """Tell whether every label is as the rule wants it; a label that is not there is empty."""
        return all(fnmatchcase(alert.labels.get(name, ""), wanted) for name, wanted in self.match.items())


@dataclass(frozen=True)
class Routed:
    """An alert, and what is to be done about it. `key` is that of the one incident it belongs to."""

    alert: Alert
    key: str
    service: str
    severity: Severity
    do: Do


# Words that people give alerts, as in the examples of Prometheus, Grafana and PagerDuty. SEV1 is for people to call,
# or for a label or a rule that says so.
_SEVERITIES = {
    Severity.SEV1: ("sev1", "p1", "1", "emergency", "disaster"),
    Severity.SEV2: ("sev2", "p2", "2", "critical", "page", "fatal", "high", "error"),
    Severity.SEV3: ("sev3", "p3", "3", "warning", "warn", "medium", "ticket"),
    Severity.SEV4: ("sev4", "p4", "4", "p5", "5", "low", "info", "notice", "none", "debug"),
}
_BY_WORD = {word: severity for severity, words in _SEVERITIES.items() for word in words}
_SEVERITY_LABELS = ("severity", "priority", "level")
_SERVICE_LABELS = ("service", "app", "job", "application", "component")


def normalise(payload: Any, sender: Sender) -> tuple[Alert, ...]:
    """Read a webhook's payload, already parsed from JSON.

    :raises AlertsRefused: it is not what the sender's webhook sends; names the field and what it should be.
    """
    body = _mapping(payload, "the body")
    alerts = body.get("alerts")
    if not isinstance(alerts, list):
        raise AlertsRefused("alerts: a list is wanted. Use the sender's own webhook receiver, with no template.")
    given = body.get("groupKey")
    labels = _texts(body.get("groupLabels"), "groupLabels")
    group = given if isinstance(given, str) and given else json.dumps(sorted(labels.items()))
    return tuple(_alert(one, f"alerts[{number}]", group, sender) for number, one in enumerate(alerts))


def route(alert: Alert, sender: Sender, routes: Sequence[AlertRoute], services: Sequence[str]) -> Routed:
    """Say what is to be done about an alert: by the first rule that fits, else by its labels.

    Without a word on severity it is SEV3. SEV1 and SEV2 open an incident, the others propose one. `services` are the
    configured names; an alert that names another service keeps that word.
    """
    rule = next((rule for rule in routes if rule.fits(alert)), AlertRoute())
    severity = rule.severity or _severity(alert.labels)
    service = rule.service or _service(alert.labels, services)
    do = rule.do or (Do.OPEN if severity.pages else Do.PROPOSE)
    identity = json.dumps([sender.value, alert.group, service])
    key = hashlib.sha256(identity.encode("utf-8", "backslashreplace")).hexdigest()[:12]
    return Routed(alert, key, service, severity, do)


def _severity(labels: Mapping[str, str]) -> Severity:
    words = (labels.get(name, "").strip().lower() for name in _SEVERITY_LABELS)
    return next((_BY_WORD[word] for word in words if word in _BY_WORD), Severity.SEV3)


def _service(labels: Mapping[str, str], services: Sequence[str]) -> str:
    by_name = {name.lower(): name for name in services}
    known = (by_name.get(labels.get(name, "").lower(), "") for name in _SERVICE_LABELS)
    return next(filter(None, known), _line(labels.get("service", ""), _NAME))


def _alert(value: Any, where: str, group: str, sender: Sender) -> Alert:
    body = _mapping(value, where)
    labels = _texts(body.get("labels"), f"{where}.labels")
    annotations = _texts(body.get("annotations"), f"{where}.annotations")
    status = body.get("status")
    if status not in ("firing", "resolved"):
        raise AlertsRefused(f'{where}.status: "firing" or "resolved" is wanted, this is {_shown(status)}.')
    summary = next(filter(None, (annotations.get(name) for name in ("summary", "description", "message"))), "")
    return Alert(
        fingerprint=_fingerprint(body.get("fingerprint"), labels),
        group=group,
        name=redact(_line(labels.get("alertname") or summary, _NAME)) or "Alert",
        firing=status == "firing",
        starts_at=_moment(body.get("startsAt"), f"{where}.startsAt"),
        summary=redact(_line(summary, _TEXT)),
        link=_link(body, sender),
        labels=labels,
    )


def _fingerprint(given: Any, labels: Mapping[str, str]) -> str:
    """Give the sender's own fingerprint, or one of the labels: what tells one alert from another."""
    identity = given if isinstance(given, str) and given else json.dumps(sorted(labels.items()))
    return hashlib.sha256(identity.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _link(body: Mapping[str, Any], sender: Sender) -> str:
    wanted = ("panelURL", "dashboardURL", "generatorURL") if sender is Sender.GRAFANA else ("generatorURL",)
    links = (body.get(name) for name in wanted)
    return next((redact(link) for link in links if isinstance(link, str) and _is_page(link)), "")


def _is_page(link: str) -> bool:
    return len(link) <= _LINK and _PAGE.fullmatch(link) is not None


def _moment(value: Any, where: str) -> datetime:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) and len(value) <= _NAME else None
        at = at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except (ValueError, OverflowError):
        at = None
    if at is None or at < _EARLIEST:
        raise AlertsRefused(
            f'{where}: a time with its offset is wanted, as in "2026-03-01T12:00:00Z", this is {_shown(value)}.'
        )
    return at


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise AlertsRefused(f"{where}: an object is wanted, this is {_shown(value)}.")
    return value


def _texts(value: Any, where: str) -> dict[str, str]:
    """Give names and texts; absent is empty."""
    if value is None:
        return {}
    body = _mapping(value, where)
    if len(body) > _MAPPED_MAX:
        raise AlertsRefused(f"{where}: at most {_MAPPED_MAX} names are read, these are {len(body)}.")
    for name, text in body.items():
        if not isinstance(text, str):
            raise AlertsRefused(f"{where}.{_line(name, 40)}: a text is wanted, this is {_shown(text)}.")
    return {storable(name)[:_NAME]: storable(text)[:_LABEL] for name, text in body.items()}


def _line(text: str, limit: int) -> str:
    words = " ".join(storable(text[: 4 * limit]).split())
    return words if len(words) <= limit else f"{words[: limit - 1]}…"


def _shown(value: Any) -> str:
    """Name what was found, in few words."""
    if isinstance(value, str):
        return json.dumps(_line(value, 40))
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    return "nothing" if value is None else "a number or a boolean"
