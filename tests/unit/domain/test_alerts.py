"""What is read from a delivery, what is refused, and what is to be done about an alert."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.alerts import Alert, AlertRoute, Do, Sender, normalise, route
from bot.domain.errors import AlertsRefused
from bot.domain.incident import Severity
from tests.fakes import NOON
from tests.unit.alerts import alert, delivery

SERVICES = ("checkout", "payment")


def read(body: Any, sender: Sender = Sender.ALERTMANAGER) -> tuple[Alert, ...]:
    return normalise(body, sender)


def one(**changes: Any) -> Alert:
    (found,) = read(delivery(alert(**changes)))
    return found


def test_an_alert_is_read() -> None:
    found = one()
    assert (found.name, found.summary, found.firing, found.starts_at) == ("HighErrorRate", "5xx above 5 %", True, NOON)
    assert found.link == "http://prometheus.test/graph?g0.expr=up"
    assert found.group == '{}:{alertname="HighErrorRate"}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T12:00:00.123456789Z", datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)),
        ("2026-03-01T13:00:00+01:00", NOON),
    ],
)
def test_times_are_read_as_go_writes_them(text: str, expected: datetime) -> None:
    assert one(startsAt=text).starts_at == expected


def test_a_fingerprint_tells_alerts_apart_also_where_none_is_sent() -> None:
    plain, other = one(), one(labels={"instance": "b"})
    assert one().fingerprint == plain.fingerprint != other.fingerprint
    assert one(fingerprint="abc").fingerprint == one(fingerprint="abc", labels={"x": "y"}).fingerprint


def test_grafana_links_to_its_panel() -> None:
    body = delivery(alert(panelURL="http://grafana.test/d/1?viewPanel=2", dashboardURL="http://grafana.test/d/1"))
    assert read(body, Sender.GRAFANA)[0].link == "http://grafana.test/d/1?viewPanel=2"


@pytest.mark.parametrize("link", ["javascript:alert(1)", "http://a b", "http://" + "a" * 2_000, 7, None])
def test_a_link_that_is_no_page_is_dropped(link: Any) -> None:
    assert one(generatorURL=link).link == ""


def test_secrets_in_what_is_sent_are_not_kept() -> None:
    found = one(annotations={"summary": "token=xoxb-1234567890-abcdefghijkl leaked"})
    assert "abcdefghijkl" not in found.summary


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "the body: an object is wanted, this is a list."),
        ({}, "alerts: a list is wanted."),
        (delivery({"status": "firing"}), "alerts[0].startsAt: a time with its offset is wanted"),
        (delivery(alert(), alert(status="maybe")), 'alerts[1].status: "firing" or "resolved" is wanted'),
        (delivery(alert(startsAt="2026-03-01T12:00:00")), "alerts[0].startsAt"),
        (delivery(alert(startsAt="0001-01-01T00:00:00Z")), "alerts[0].startsAt"),
        (delivery(alert(startsAt="9999-12-31T23:59:59-23:00")), "alerts[0].startsAt"),
        (delivery(alert(startsAt=12)), "this is a number or a boolean"),
        (delivery(alert(annotations={"a": 1})), "alerts[0].annotations.a: a text is wanted"),
        ({"alerts": [7]}, "alerts[0]: an object is wanted"),
        (delivery(alert(annotations={str(n): "" for n in range(101)})), "at most 100 names"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_change(body: Any, message: str) -> None:
    with pytest.raises(AlertsRefused) as refused:
        read(body)
    assert message in str(refused.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["alerts", "labels", "annotations", "status", "startsAt", "groupKey", "groupLabels", "x"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None)
@given(JSON)
def test_garbage_is_read_or_refused(body: Any) -> None:
    try:
        found = read({"alerts": body})
    except AlertsRefused:
        return
    assert all(each.starts_at.tzinfo for each in found)


@pytest.mark.parametrize(
    ("word", "severity", "do"),
    [
        ("critical", Severity.SEV2, Do.OPEN),
        ("SEV1", Severity.SEV1, Do.OPEN),
        ("page", Severity.SEV2, Do.OPEN),
        ("warning", Severity.SEV3, Do.PROPOSE),
        ("none", Severity.SEV4, Do.PROPOSE),
        ("whatever", Severity.SEV3, Do.PROPOSE),
        ("", Severity.SEV3, Do.PROPOSE),
    ],
)
def test_severity_decides_what_is_done(word: str, severity: Severity, do: Do) -> None:
    routed = route(one(labels={"severity": word}), Sender.ALERTMANAGER, (), SERVICES)
    assert (routed.severity, routed.do) == (severity, do)


@pytest.mark.parametrize(
    ("labels", "service"),
    [
        ({"service": "Payment"}, "payment"),
        ({"service": "", "job": "checkout"}, "checkout"),
        ({"service": "unheard-of", "app": "payment"}, "payment"),
        ({"service": "unheard-of"}, "unheard-of"),
        ({"service": ""}, ""),
    ],
)
def test_the_service_is_a_configured_one_if_any_label_names_it(labels: dict[str, str], service: str) -> None:
    assert route(one(labels=labels), Sender.ALERTMANAGER, (), SERVICES).service == service


def test_the_first_rule_that_fits_decides() -> None:
    rules = (
        AlertRoute({"alertname": "Watchdog"}, do=Do.IGNORE),
        AlertRoute({"alertname": "High*", "severity": "critical"}, "payment", Severity.SEV4, Do.OPEN),
        AlertRoute({}, do=Do.IGNORE),
    )
    routed = route(one(), Sender.ALERTMANAGER, rules, SERVICES)
    assert (routed.service, routed.severity, routed.do) == ("payment", Severity.SEV4, Do.OPEN)
    assert route(one(name="Watchdog"), Sender.ALERTMANAGER, rules, SERVICES).do is Do.IGNORE
    assert route(one(labels={"severity": "info"}), Sender.ALERTMANAGER, rules, SERVICES).do is Do.IGNORE
    needs_a_label = (AlertRoute({"team": "?*"}, do=Do.IGNORE),)
    assert route(one(), Sender.ALERTMANAGER, needs_a_label, SERVICES).do is Do.OPEN


def test_one_incident_for_each_group_and_service() -> None:
    def key(sender: Sender = Sender.ALERTMANAGER, group: str = "g", service: str = "checkout") -> str:
        (found,) = normalise(delivery(alert(labels={"service": service}), group=group), sender)
        return route(found, sender, (), SERVICES).key

    keys = {key(), key(group="h"), key(service="payment"), key(Sender.GRAFANA)}
    assert len(keys) == 4
    assert key() in keys
