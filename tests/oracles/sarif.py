"""What SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0) asks of a log, of those of its objects that we write.

Its schema allows no property that it does not name; one that is missing here is looked up there first.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Check = Callable[[Any, str], Iterator[str]]


def holds(what: str, is_so: Callable[[Any], bool]) -> Check:
    def check(value: Any, at: str) -> Iterator[str]:
        if not is_so(value):
            yield f"{at}: {value!r} is no {what}"

    return check


def one_of(*words: str) -> Check:
    return holds(f"one of {words}", lambda value: value in words)


def number(least: int) -> Check:
    return holds(f"number from {least}", lambda value: type(value) is int and value >= least)


def each(check: Check, *, unique: bool = False) -> Check:
    def look(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, list) or (unique and any(one in value[:place] for place, one in enumerate(value))):
            yield f"{at}: no list, or one with repeats"
        else:
            for place, one in enumerate(value):
                yield from check(one, f"{at}[{place}]")

    return look


def shape(required: str, **known: Check) -> Check:
    """Make the check of an object: what must be there, and how all is that may be."""

    def look(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield f"{at}: no object"
            return
        yield from (f"{at}: no {name}" for name in required.split() if name not in value)
        for name, one in value.items():
            check = known.get(name.replace("$", "_"))
            yield from check(one, f"{at}.{name}") if check else (f"{at}: {name} is not known",)

    return look


TEXT = holds("text", lambda value: isinstance(value, str) and bool(value.strip()))
URI = holds("address", lambda value: isinstance(value, str) and re.fullmatch(r"https://[!-~]+", value) is not None)
# RFC 3986: of a path what is not percent-encoded; relative to a root that only a reader knows.
PATH = holds(
    "relative reference",
    lambda value: (
        isinstance(value, str) and bool(re.fullmatch(r"(?!/)(?:[\w.~!$&'()*+,;=@/-]|%[0-9A-F]{2})+", value, re.ASCII))
    ),
)
LEVEL = one_of("none", "note", "warning", "error")
MESSAGE = shape("text", text=TEXT, markdown=TEXT)
BAG = shape(
    "",
    tags=each(TEXT, unique=True),
    precision=one_of("very-high", "high", "medium", "low"),
    **{"security-severity": holds("number in words", lambda value: 0 <= float(value) <= 10)},
)
RULE = shape(
    "id", id=TEXT, name=holds("name", lambda value: re.fullmatch(r"(?:[A-Z][a-z]+)+", value) is not None),
    shortDescription=MESSAGE, fullDescription=MESSAGE, help=MESSAGE, helpUri=URI,
    defaultConfiguration=shape("", level=LEVEL), properties=BAG,
)  # fmt: skip
REGION = shape("", startLine=number(1), startColumn=number(1), endLine=number(1), endColumn=number(1))
PLACE = shape("", physicalLocation=shape("artifactLocation", artifactLocation=shape("", uri=PATH), region=REGION))


def _printed(value: Any, at: str) -> Iterator[str]:
    for name, one in value.items():
        yield from TEXT(one, f"{at}.{name}")
        if not re.fullmatch(r"[\w.]+(?:/[\w.]+)*/v\d+", name):
            yield f"{at}: {name} has no version"


RESULT = shape(
    "message", ruleId=TEXT, ruleIndex=number(0), level=LEVEL, message=MESSAGE, locations=each(PLACE),
    partialFingerprints=_printed,
)  # fmt: skip
RUN = shape(
    "tool",
    tool=shape(
        "driver", driver=shape("name", name=TEXT, version=TEXT, informationUri=URI, rules=each(RULE, unique=True))
    ),
    columnKind=one_of("utf16CodeUnits", "unicodeCodePoints"),
    invocations=each(
        shape(
            "executionSuccessful",
            executionSuccessful=holds("truth", lambda value: isinstance(value, bool)),
            toolExecutionNotifications=each(shape("message", level=LEVEL, message=MESSAGE)),
        )
    ),
    results=each(RESULT),
)
LOG = shape("version runs", _schema=URI, version=one_of("2.1.0"), runs=each(RUN))


def flaws(log: Mapping[str, Any]) -> list[str]:
    """Say what of a log is not as the standard wants it."""
    return [*LOG(log, "log"), *(flaw for run in log.get("runs", ()) for flaw in _tied(run))]


def _tied(run: Mapping[str, Any]) -> Iterator[str]:
    """Hold results against the rules that they name, and against each other."""
    ids = [rule["id"] for rule in run["tool"]["driver"].get("rules", ())]
    if len(set(ids)) < len(ids):
        yield "two rules have one id"
    results = run.get("results", ())
    for result in results:
        at = result.get("ruleIndex", -1)
        if not 0 <= at < len(ids) or ids[at] != result.get("ruleId"):
            yield f"rule {at} is not {result.get('ruleId')}"
    prints = [str(result.get("partialFingerprints")) for result in results]
    if len(set(prints)) < len(prints):
        yield "two results have the same fingerprints"
