"""How a verdict and its findings are told in a channel."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.adapters.slack.text import line, mrkdwn
from bot.domain.timeline import Entry, Kind

_MOST_FINDINGS = 8


def told(verdict: Entry, entries: Sequence[Entry]) -> list[str]:
    """Give a verdict as lines of mrkdwn: the class, the statement, each finding that it leaves out, and the fixes."""
    facts = verdict.facts
    head = f"*Verdict: {line(facts['verdict'], 60)}*" if facts.get("verdict") else "*No verdict*"
    findings = _findings(verdict, entries)
    more = [_fix(found) if str(found.get("claim")) in facts["statement"] else _finding(found) for found in findings]
    return [f"{head}\n{mrkdwn(facts['statement'])}", *filter(None, more)]


def fallback(verdict: Entry) -> str:
    """Give a verdict in plain words, as a notification shows it."""
    return f"Verdict: {verdict.facts.get('verdict') or 'none'}. {verdict.facts['statement']}"


def _findings(verdict: Entry, entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Give the findings of the run that came to this verdict."""
    found = [
        entry.facts
        for entry in entries
        if entry.kind == Kind.FINDING and entry.seq < verdict.seq and entry.run_id == verdict.run_id
    ]
    return found[-_MOST_FINDINGS:]


def _finding(facts: Mapping[str, Any]) -> str:
    where = f"{line(str(facts.get('target') or ''), 60)}: " if facts.get("target") else ""
    return f"• {where}{line(str(facts.get('claim', '')), 400)} {_fix(facts)}".rstrip()


def _fix(facts: Mapping[str, Any]) -> str:
    return f"*Fix:* {line(str(facts['fix']), 300)}" if facts.get("fix") else ""
