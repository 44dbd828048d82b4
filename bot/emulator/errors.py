"""What the Web API answers when it refuses.

* `SlackError` - HTTP 200 with `ok: false`, an error word and, for bad input, the messages Slack adds
"""

from collections.abc import Sequence
from typing import Any


class SlackError(Exception):
    """A refusal in Slack's own words."""

    def __init__(self, error: str, messages: Sequence[str] = (), **extra: Any) -> None:
        super().__init__(error)
        self.error = error
        self.messages = tuple(messages)
        self.extra = extra

    def body(self) -> dict[str, Any]:
        """Render the JSON body Slack sends: `errors` repeats the messages only for refused blocks."""
        body: dict[str, Any] = {"ok": False, "error": self.error, **self.extra}
        if self.messages:
            if self.error == "invalid_blocks":
                body["errors"] = list(self.messages)
            body["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in self.messages]}
        return body


def missing_argument(name: str) -> SlackError:
    """Build the refusal of a call that lacks a required argument."""
    return SlackError("invalid_arguments", [f"missing required field: {name}"])
