"""Findings as SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0), which code hosts show beside the lines."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from bot.domain.audits.logs import RULES, Finding, Rule
from bot.domain.audits.remark import Grade

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Mapping[Grade, str] = {Grade.WRONG: "error", Grade.RISKY: "warning", Grade.WEAK: "note"}
_SEVERITY = "8.0"
"""What code hosts order alerts about security by, from 0 to 10; a secret in a log is "high"."""


def as_sarif(findings: Sequence[Finding], version: str, unseen: Sequence[str] = ()) -> dict[str, Any]:
    """Give one run as a document; paths are relative to the root of the source, which a reader knows.

    A result's fingerprint is of its rule, file and words, not of its line: it stays the same alert when lines move.
    """
    numbers: Counter[str] = Counter()
    results = []
    for each in findings:
        same = f"{each.rule}\0{each.path}\0{each.what}\0{each.better}"
        numbers[same] += 1
        results.append(_result(each, f"{same}\0{numbers[same]}"))
    driver = {
        "name": "firstfive lint-logs",
        "version": version,
        "rules": [_rule(rule) for rule in RULES],
    }
    told = [{"level": "warning", "message": {"text": f"Not read: {each}."}} for each in unseen]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": told}],
                "results": results,
            }
        ],
    }


def rule_id(name: str) -> str:
    """Give a rule's word as an id."""
    return f"logs/{name.replace(' ', '-')}"


def _rule(rule: Rule) -> dict[str, Any]:
    security = {"security-severity": _SEVERITY, "tags": ["security"]} if rule.grade is Grade.WRONG else {}
    return {
        "id": rule_id(rule.name),
        "name": "".join(word.capitalize() for word in ("logs", *rule.name.split())),
        "shortDescription": {"text": f"{rule.title}."},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.why},
        "defaultConfiguration": {"level": _LEVELS[rule.grade]},
        "properties": {"precision": "high", **(security or {"tags": ["maintainability"]})},
    }


def _result(each: Finding, same: str) -> dict[str, Any]:
    region = {"startLine": each.line, "startColumn": each.column}
    place = {"artifactLocation": {"uri": quote(each.path, errors="surrogateescape")}, "region": region}
    return {
        "ruleId": rule_id(each.rule),
        "ruleIndex": [rule.name for rule in RULES].index(each.rule),
        "level": _LEVELS[each.grade],
        "message": {"text": f"{each.what}. Better: {each.better}."},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"firstfive/v1": hashlib.sha256(same.encode(errors="replace")).hexdigest()},
    }
