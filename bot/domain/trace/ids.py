"""Reads the id of a trace as people paste it. W3C Trace Context, sections 3.2.2.3 and 3.2.2.5."""

import re

from bot.domain.errors import CommandRejected

_ID = re.compile(r"[0-9a-f]{32}")
_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.{0,200})?")
_NOTHING = "0" * 32


def trace_id(text: str) -> str:
    """Give the 32 hex digits, lower case, of an id, of one with dashes as a UUID has them, or of a whole traceparent.

    :raises CommandRejected: it is none of these, or all zeroes, which stands for no trace.
    """
    told = text.strip().strip("`\"'").lower().removeprefix("traceparent:").strip()
    whole = _PARENT.fullmatch(told)
    found = whole[1] if whole else told.replace("-", "")
    if found == _NOTHING:
        raise CommandRejected("The id of a trace is not all zeroes: that stands for no trace.")
    if not _ID.fullmatch(found):
        raise CommandRejected(
            f"`{text[:60].replace('`', '')}` is no id of a trace: that has 32 hex digits, such as "
            f"`4bf92f3577b34da6a3ce929d0e0e4736`; a whole traceparent is read, too."
        )
    return found
