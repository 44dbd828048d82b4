"""Structured logs: one JSON line an event on standard error, secrets removed."""

import logging
import sys
from contextlib import suppress
from typing import Any

import structlog
from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

from bot.domain.redaction import redact

log = structlog.get_logger()


def configure(level: str) -> None:
    """Send our own events and those of libraries (warnings and worse) there."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _of_its_trace,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _without_secrets,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=lambda *_: _Lines(),
        cache_logger_on_first_use=True,
    )
    # Bolt warns at every start that our own authorisation is used instead of a variable that it also found.
    logging.getLogger("slack_bolt").setLevel(logging.ERROR)
    # It would warn of every piece of baggage that a stranger sends and nobody can read.
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    logging.basicConfig(level=logging.WARNING, handlers=[_ToStructlog()], force=True)


class _Lines:
    """Lines on standard error. That may be a file on the very disk that is full: then a line is lost, no more."""

    def msg(self, line: str) -> None:
        """Write a line, if that can be done."""
        with suppress(OSError):
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = exception = log = msg


def _of_its_trace(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Say which trace and span a line belongs to, whether they are sent anywhere or not."""
    span = get_current_span().get_span_context()
    if span.is_valid:
        event.update(trace_id=format_trace_id(span.trace_id), span_id=format_span_id(span.span_id))
    return event


def _without_secrets(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {key: redact(value) if isinstance(value, str) else value for key, value in event.items()}


class _ToStructlog(logging.Handler):
    """Passes on what libraries log."""

    def emit(self, record: logging.LogRecord) -> None:
        log.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info or None)
