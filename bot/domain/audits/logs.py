"""What of a source's log lines nobody can search, join to a request, or should ever have been written.

The document is what `bot.adapters.audits.log_calls` reads of Go source: calls that print or log, by their places.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.audits.log_words import replacement
from bot.domain.audits.remark import Grade, Remark

PRINTS = ("fmt", "builtin", "os")
PLAIN = (*PRINTS, "log")


@dataclass(frozen=True)
class Rule:
    """A rule: its word, how much it matters at most, what is wrong in one line, and why."""

    name: str
    grade: Grade
    title: str
    why: str


RULES = (
    Rule("secret", Grade.WRONG, "A secret is logged", "Logs are copied, indexed and kept, and many may read them."),
    Rule("print", Grade.RISKY, "A service prints instead of logging", "What is printed has no level, time or fields."),
    Rule("log", Grade.RISKY, "The standard log package writes plain text", "Text is found by its words alone."),
    Rule("no fields", Grade.WEAK, "A log line has no fields", "It cannot be joined to a request, a user or an order."),
    Rule(
        "no reason", Grade.WEAK, "Printing is allowed without a reason", "Nobody can tell later whether it still holds."
    ),
)


@dataclass(frozen=True)
class Finding:
    """One place that should be otherwise. `line` and `column` count from 1, the column in characters."""

    rule: str
    grade: Grade
    package: str
    path: str
    line: int
    column: int
    what: str
    better: str

    @property
    def where(self) -> str:
        """The place as compilers write it."""
        return f"{self.path}:{self.line}:{self.column}"


def judge(document: Mapping[str, Any]) -> tuple[Remark, ...]:
    """Give what should be otherwise, as remarks."""
    return tuple(
        Remark(each.grade, each.rule, each.where, each.what, each.better) for each in findings(document["calls"])
    )


def findings(calls: Sequence[Mapping[str, Any]]) -> tuple[Finding, ...]:
    """Give every place that should be otherwise, in the order of places."""
    found = [finding for call in calls for finding in _of(call)]
    return tuple(sorted(found, key=lambda each: (each.path, each.line, each.column, each.rule)))


def _of(call: Mapping[str, Any]) -> Iterator[Finding]:
    for secret in call["secrets"]:
        what = f"{call['call']} logs {secret['what']}"
        better = _without(call)
        yield _finding(call, "secret", Grade.WRONG, what, better)
    if call["reasonless"]:
        what = "firstfive:allow-print says no reason, so it allows nothing"
        yield _finding(
            call, "no reason", Grade.WEAK, what, "say why after it: //firstfive:allow-print its output is read"
        )
    is_fine = call["allowed"] or call["tool"]
    if call["library"] in PRINTS and not is_fine:
        what = f"{call['call']} prints to {call['to']}, where a service should log"
        yield _finding(call, "print", Grade.RISKY, what, replacement(call))
    elif call["library"] == "log" and not is_fine:
        what = f"{call['call']} writes a line of plain text{_ending(call)}"
        yield _finding(call, "log", Grade.RISKY, what, replacement(call))
    elif call["bare"]:
        told = f" though {call['context']} is at hand" if call["context"] else ""
        what = f"{call['call']} has no fields{told}"
        yield _finding(call, "no fields", Grade.RISKY if call["context"] else Grade.WEAK, what, replacement(call))


def _finding(call: Mapping[str, Any], rule: str, grade: Grade, what: str, better: str) -> Finding:
    return Finding(rule, grade, call["package"], call["path"], call["line"], call["column"], what, better)


def _without(call: Mapping[str, Any]) -> str:
    """Say what to write instead of a secret: the line without it, where the line is to be written anew anyhow."""
    if call["library"] in PLAIN:
        return f"leave it out: {replacement(call)}"
    return "leave it out, or log what is of no use to others: whether it was there, an id"


def _ending(call: Mapping[str, Any]) -> str:
    name = call["call"].rpartition(".")[2]
    ends = {"Fatal": ", and ends the process without running what is deferred", "Panic": ", and panics"}
    return next((told for start, told in ends.items() if name.startswith(start)), "")
