"""What an answer bids its reader type in Slack -> what does the same on the command line."""

import re
import shlex
from typing import Any

from bot.domain.errors import CommandRejected
from bot.domain.service import Catalog
from bot.engine.fields import Word, marker
from bot.engine.grammar import Parsed, parse
from bot.engine.playbook import Registry

# Not the usage of a verb, whose brackets and bars are no words to type.
_SAID = re.compile(r"`/incident ([^`\[|]+)`")


def typed_here(text: str, registry: Registry, catalog: Catalog, incident_id: str = "") -> str:
    """Turn every `/incident drill checkout off` into `firstfive run drill service=checkout off=yes`.

    `incident_id` is what the answer is about; words that no verb takes stay as they are.
    """

    def turned(said: re.Match[str]) -> str:
        try:
            return f"`{_command(parse(registry, said[1], catalog), registry, incident_id)}`"
        except CommandRejected:
            return said[0]

    return _SAID.sub(turned, text)


def _command(parsed: Parsed, registry: Registry, incident_id: str) -> str:
    playbook = registry[parsed.playbook]
    fields = playbook.params.model_fields
    given = {name: value for name, value in parsed.params.items() if marker(fields[name]) is not Word.WARNINGS}
    about = parsed.incident_id or (incident_id if playbook.needs_incident else "")
    if about:
        given["incident"] = about
    return " ".join(["firstfive run", parsed.playbook, *(_pair(name, value) for name, value in given.items())])


def _pair(name: str, value: Any) -> str:
    return shlex.quote(f"{name}={'yes' if value is True else value}")
