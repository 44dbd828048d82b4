"""What Slack's own Python SDK says of blocks and views when it reads them into its models."""

import copy
from collections.abc import Iterator
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.basic_objects import JsonObject
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from tests.oracles.sent import Sent


def flaws(one: Sent) -> list[str]:
    """Say what the models refuse; they know lengths, and not every field."""
    body: Any = copy.deepcopy(one.body)  # they take apart what they read
    try:
        if one.kind == "view":
            View(**body).validate_json()
        for part in _parts(Block.parse_all(body.get("blocks") or [])):
            part.validate_json()
    except (SlackObjectFormationError, AttributeError, TypeError, ValueError) as error:
        return [f"slack_sdk: {error}"]
    return []


def _parts(value: Any) -> Iterator[JsonObject]:
    """Give every model inside: a block is content with elements that are not."""
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _parts(inner)
    elif isinstance(value, JsonObject):
        yield value
        yield from _parts(list(vars(value).values()))
