"""Arguments of a Web API call: form fields are text, JSON bodies have types, both mean the same."""

import json
from collections.abc import Mapping
from typing import Any

from bot.emulator.errors import SlackError, missing_argument

_FALSE = frozenset({"", "0", "false", "none", "null"})


class Arguments:
    """What the app sent, read by type."""

    def __init__(self, values: Mapping[str, Any], token: str = "") -> None:
        self.token = token
        self.values = {name: value for name, value in values.items() if value is not None}

    def given(self, name: str) -> bool:
        """Say whether the argument is there at all."""
        return name in self.values

    def text(self, name: str, default: str = "") -> str:
        """Read text; numbers count as text because forms cannot tell them apart."""
        value = self.values.get(name, default)
        return value if isinstance(value, str) else json.dumps(value)

    def required(self, name: str) -> str:
        """Read text that must not be empty."""
        if not (value := self.text(name).strip()):
            raise missing_argument(name)
        return value

    def flag(self, name: str) -> bool:
        """Read a boolean."""
        return self.text(name).strip().lower() not in _FALSE

    def number(self, name: str, default: int) -> int:
        """Read a whole number."""
        try:
            return int(self.text(name, str(default)))
        except ValueError:
            raise SlackError("invalid_arguments", [f"must be an integer [json-pointer:/{name}]"]) from None

    def names(self, name: str) -> list[str]:
        """Read a list of ids: an array, or text with commas."""
        value = self.values.get(name, "")
        parts = value if isinstance(value, list) else str(value).split(",")
        return [str(part).strip() for part in parts if str(part).strip()]

    def structure(self, name: str, error: str = "invalid_arguments") -> Any:
        """Read an array or object, sent as such or as JSON text; None when absent."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                raise SlackError(error) from None
        if not isinstance(value, (list, dict)):
            raise SlackError(error)
        return value
