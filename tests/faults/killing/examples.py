"""What each playbook is asked to do: made from its params; words of our own only where their type is not enough."""

from enum import Enum
from typing import Any

from pydantic.fields import FieldInfo

from bot.engine.fields import Word
from bot.engine.playbook import Playbook
from tests.cosigned import DIGEST
from tests.faults.killing.situation import CHANNEL, CHECKOUT, COMMITS, NOTE, OLD, OPEN, PAGE, PAYMENT, SAID, TEAM
from tests.logstores.shop import TRACE

BY_WORD: dict[Word, str] = {Word.REST: "worth remembering", Word.SERVICE: CHECKOUT, Word.TEAM: TEAM}
"""These are given even if they may be left out, since a playbook does more with them."""
REFUSES = frozenset({"deny"})
"""Playbooks whose runs end as refused: that is what they are there for."""
BY_FIELD: dict[tuple[str, str], Any] = {
    ("audit", "what"): "metrics",
    ("bisect", "service"): PAYMENT,
    ("bisect", "test"): "TestPay",
    ("bisect", "good"): COMMITS[0],
    ("bisect", "bad"): COMMITS[-1],
    ("deny", "obstacle"): "malformed",
    ("deny", "service"): CHECKOUT,
    ("deploy", "release"): "v1.12.3",
    ("drill", "class"): "goroutine-leak",
    ("gate", "release"): "v1.12.4",
    ("gate", "digest"): DIGEST,
    ("help", "verb"): "note",
    ("milestone", "milestone"): "located",
    ("override", "release"): "v1.12.4",
    ("paging", "key"): PAGE,
    ("pick", "link"): "",
    ("pick", "channel"): CHANNEL,
    ("pick", "ts"): SAID.ts,
    ("presence", "channel"): CHANNEL,
    ("presence", "person"): "U0BEN0002",
    ("postmortem", "do"): "edit",
    ("postmortem", "section"): "summary",
    ("redact", "entry"): NOTE,
    ("run", "action"): "restart",
    ("run", "values"): "",
    ("service", "service"): PAYMENT,
    ("thaw", "service"): PAYMENT,
    ("trace", "trace_id"): TRACE,
    ("trace", "within"): "2h",
}

OF_WHAT_IS_OVER = {"close", "reopen"}
"""These are about an incident that was resolved; all others about one that is open."""


class NoExample(AssertionError):
    """Nobody has said what a playbook could be asked."""


def example(playbook: Playbook) -> dict[str, Any]:
    """Give params that a playbook can do something with.

    :raises NoExample: names the field that needs one.
    """
    found = {name: _value(playbook, name, info) for name, info in playbook.params.model_fields.items()}
    given = {name: value for name, value in found.items() if value is not None}
    return playbook.params.model_validate(given).model_dump(mode="json", exclude_unset=True)


def incident_of(playbook: Playbook) -> str:
    """Name the incident that a playbook is asked about."""
    about = OLD if playbook.name in OF_WHAT_IS_OVER else OPEN
    return about if playbook.needs_incident else ""


def _value(playbook: Playbook, name: str, info: FieldInfo) -> Any:
    if (playbook.name, name) in BY_FIELD:
        return BY_FIELD[playbook.name, name]
    by_word = next((BY_WORD[part] for part in info.metadata if part in BY_WORD), None)
    if by_word is not None or not info.is_required():
        return by_word
    if isinstance(info.annotation, type) and issubclass(info.annotation, Enum):
        return next(iter(info.annotation)).value
    raise NoExample(f"{playbook.name}: add an example for field {name} to BY_FIELD of tests/faults/killing/examples.py")
