"""Blocks and views on their way in: checked, and completed with the ids Slack would give."""

import copy
from typing import Any

from bot.emulator.arguments import Arguments
from bot.emulator.block_kit.blocks import (
    MESSAGE_TEXT_IN_ALL_BLOCKS,
    blocks_problems,
    interactive_elements,
    text_length,
    view_problems,
)
from bot.emulator.errors import SlackError, missing_argument
from bot.emulator.identifiers import Identifiers
from bot.emulator.messages import Json


def accepted_blocks(value: Any, ids: Identifiers) -> list[Json]:
    """Return checked blocks with ids; refuse like chat.postMessage."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise SlackError("invalid_blocks_format")
    if problems := blocks_problems(value):
        raise SlackError("invalid_blocks", [problem.line("/blocks") for problem in problems])
    if text_length(value) > MESSAGE_TEXT_IN_ALL_BLOCKS:
        raise SlackError("msg_blocks_too_long")
    return with_ids(value, ids)


def accepted_view(args: Arguments, ids: Identifiers) -> Json:
    """Return a checked view with ids; refuse like views.open."""
    view = args.structure("view")
    if view is None:
        raise missing_argument("view")
    return checked_view(view, ids)


def checked_view(view: Any, ids: Identifiers) -> Json:
    """Return a view that passed the rules, with ids."""
    if problems := view_problems(view):
        raise SlackError("invalid_arguments", [problem.line("/view") for problem in problems])
    return {**view, "blocks": with_ids(view["blocks"], ids)}


def with_ids(blocks: list[Json], ids: Identifiers) -> list[Json]:
    """Give every block and interactive element the id the app left out."""
    blocks = copy.deepcopy(blocks)
    for block in blocks:
        block.setdefault("block_id", ids.next("b"))
        for element in interactive_elements(block):
            element.setdefault("action_id", ids.next("a"))
    return blocks
