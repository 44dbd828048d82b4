"""Words for Slack: escaped, within its limits, and times in the reader's own zone."""

import re
import unicodedata
from datetime import datetime

# <@U...> and <#C...> are names; <!channel>, <!here> and foreign links are not let through.
_MENTION = re.compile(r"&lt;([@#][A-Z0-9]{2,20})(?:\|[^&<>|]{0,80})?&gt;")
_LINK = re.compile(r"\[([^\[\]\n]{1,300})\]\((https?://[^\s()<>|]{1,2000})\)")
_BOLD = re.compile(r"\*\*(?=\S)([^\n]+?)(?<=\S)\*\*")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_BULLET = re.compile(r"^(\s*)[-*]\s+", re.MULTILINE)
_FENCE = re.compile(r"(```.*?```)", re.DOTALL)
_JOINERS = {"\u200c", "\u200d"}


def escape(text: str) -> str:
    """Make text harmless in mrkdwn; Slack wants exactly these three escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clean(text: str) -> str:
    """Drop what would garble a line: control characters, and the signs that turn the writing direction around."""
    kept = (
        sign if sign in _JOINERS or unicodedata.category(sign) not in {"Cc", "Cf", "Cs", "Co", "Cn"} else " "
        for sign in text
    )
    return " ".join("".join(kept).split())


def shorten(text: str, limit: int) -> str:
    """Cut to `limit` characters, the last of which then says so."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)].rstrip() + "…"


def line(text: str, limit: int) -> str:
    """Give one harmless line of mrkdwn, at most `limit` characters before escaping."""
    return _keep_mentions(_linked(escape(shorten(clean(text), limit))))


def mrkdwn(markdown: str) -> str:
    """Give a Markdown text as Slack's mrkdwn, escaped; names of people and channels stay links."""
    parts = _FENCE.split(escape(_printable(markdown)))
    return "".join(part if part.startswith("```") else _keep_mentions(_styled(part)) for part in parts)


def paragraphs(text: str, limit: int, most: int) -> list[str]:
    """Split at line ends into at most `most` pieces of at most `limit` characters; says so when a rest is left out."""
    pieces: list[str] = []
    rest = text.strip()
    while rest and len(pieces) < most:
        piece = _first_piece(rest, limit)
        pieces.append(piece)
        rest = rest[len(piece) :].lstrip("\n")
    if rest and pieces:
        pieces[-1] = _first_piece(pieces[-1], limit - 40).rstrip() + "\n… (more on the incident's page)"
    return [piece for piece in pieces if piece.strip()]


def clock(at: datetime) -> str:
    """Give a time of day in the reader's own zone, in UTC where Slack cannot."""
    return f"<!date^{int(at.timestamp())}^{{time_secs}}|{at:%H:%M:%S} UTC>"


def ago(at: datetime) -> str:
    """Give how long ago it was, in words that Slack keeps up to date; the time of day where it cannot."""
    return f"<!date^{int(at.timestamp())}^{{ago}}|{at:%H:%M:%S} UTC>"


def plain_clock(at: datetime) -> str:
    """Give a time of day for texts without markup."""
    return f"{at:%H:%M} UTC"


def _printable(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(_indent(row) + clean(row) if row.strip() else "" for row in lines)


def _indent(row: str) -> str:
    return row[: len(row) - len(row.lstrip(" "))]


def _styled(text: str) -> str:
    text = _linked(text)
    text = _HEADING.sub(r"*\1*", text)
    return _BULLET.sub(r"\1• ", text)


def _linked(text: str) -> str:
    return _BOLD.sub(r"*\1*", _LINK.sub(r"<\2|\1>", text))


def _keep_mentions(escaped: str) -> str:
    return _MENTION.sub(r"<\1>", escaped)


def _first_piece(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    end = text.rfind("\n", 1, limit)
    end = end if end > limit // 2 else text.rfind(" ", 1, limit)
    end = end if end > limit // 2 else limit
    # Never cut inside an entity or a link.
    opened = max(text.rfind("<", 0, end), text.rfind("&", max(end - 6, 0), end))
    closed = text.find(">" if opened >= 0 and text[opened] == "<" else ";", opened) if opened >= 0 else -1
    return text[:opened] if opened > 0 and closed >= end else text[:end]
