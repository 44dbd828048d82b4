"""What of a span leaves: what is listed, without secrets, without titles and people."""

from typing import Any

import pytest
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode

from bot.adapters.collector import headers_of
from bot.adapters.telemetry import cleaned

SECRET = "ghp_0123456789abcdefghijABCDEFGHIJ"
KEY = "a8f5f167f44f4964e6c998dee827110c"


def left(attributes: dict[str, Any], kind: SpanKind = SpanKind.CLIENT, name: str = "GET") -> ReadableSpan:
    """Give what is left of a span on which an error was noted with all its words."""
    words = {"exception.type": "ValueError", "exception.message": f"{SECRET} Xylophone", "exception.stacktrace": SECRET}
    return cleaned(
        ReadableSpan(
            name,
            context=SpanContext(1, 2, is_remote=False),
            attributes=attributes,
            events=[Event("exception", words)],
            kind=kind,
            status=Status(StatusCode.ERROR, f"ValueError: {SECRET}"),
        )
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"https://ada:{SECRET}@db:1/x?token={SECRET}#{SECRET}", "https://db:1/x"),
        (f"https://hooks/{KEY}/in", "https://hooks/[redacted:random]/in"),
        ("http://10.2.0.11:6060/debug/pprof/goroutine?debug=2", "http://10.2.0.11:6060/debug/pprof/goroutine"),
    ],
)
def test_an_address_leaves_without_what_opens_it(url: str, expected: str) -> None:
    assert dict(left({"http.url": url}).attributes or {}) == {"http.url": expected}


def test_what_is_not_listed_stays() -> None:
    told = {
        "db.statement": "Xylophone",
        "http.target": "/?q=Xylophone",
        "http.user_agent": SECRET,
        "db.system": "sqlite",
    }
    assert dict(left(told).attributes or {}) == {"db.system": "sqlite"}


def test_an_error_leaves_by_its_kind_and_not_by_its_words() -> None:
    span = left({"error.type": "ValueError"})
    assert [dict(event.attributes or {}) for event in span.events] == [{"exception.type": "ValueError"}]
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)


@pytest.mark.parametrize(
    ("route", "expected"), [("/incidents/{incident_id}", "GET /incidents/{incident_id}"), ("", "GET")]
)
def test_a_request_to_us_is_named_by_its_route_alone(route: str, expected: str) -> None:
    name = f"GET {route or '/people/Ada'}"
    span = left({"http.url": "http://h/people/Ada", **({"http.route": route} if route else {})}, SpanKind.SERVER, name)
    assert span.name == expected
    assert "http.url" not in (span.attributes or {})


def test_a_statement_is_named_by_its_kind_alone() -> None:
    assert left({"db.system": "sqlite"}, name="SELECT /srv/firstfive.db").name == "SELECT"


def test_a_secret_in_a_name_is_redacted() -> None:
    assert left({}, SpanKind.INTERNAL, f"run {SECRET}").name == "run [redacted:github-token]"


def test_headers_are_read_as_the_standard_writes_them() -> None:
    assert headers_of("Authorization=Bearer%20x, X-Scope=a=b,") == {"authorization": "Bearer x", "x-scope": "a=b"}
