"""Which of Slack's methods the bot calls: read from its source, so that a new one is covered by itself."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
_FAMILIES = r"apps|auth|bookmarks|chat|conversations|files|pins|reactions|team|usergroups(?:\.users)?|users|views"
# Names methods for their limits, called or not.
_NO_CALLS = {"limits.py"}


def called() -> set[str]:
    sources = (path for path in (ROOT / "bot/adapters/slack").glob("*.py") if path.name not in _NO_CALLS)
    return set(re.findall(rf'"((?:{_FAMILIES})\.[a-zA-Z]+)"', "\n".join(path.read_text() for path in sources)))
