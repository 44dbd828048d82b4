"""Who wrote a culprit: which one is meant, whether a person can be told, and in which words."""

from collections.abc import Iterable

from bot.domain.bisect.bisects import Bisect
from bot.domain.bisect.question import Find
from bot.domain.bisect.standing import percent
from bot.domain.bisect.telling import DONE, Made, Told

_BOT = "[bot]"
_NO_REPLY = ("@users.noreply.", "noreply@")


def named(bisects: Iterable[Bisect], commit: str) -> Told | None:
    """Give the latest answer that named a culprit, this commit if one is given."""
    told = [each.told for each in sorted(bisects, key=lambda each: each.at) if each.told and each.told.culprit]
    meant = [each for each in told if each.culprit and each.culprit.commit.startswith(commit)]
    return meant[-1] if meant else None


def out_of_reach(made: Made) -> str:
    """Say why an author can be asked by nobody; "" when they may have an account."""
    if _BOT in made.author or _BOT in made.email:
        return f"{made.author} is a bot"
    if not made.email or any(part in made.email.lower() for part in _NO_REPLY):
        return f"{made.author or 'its author'} gives no e-mail address in it"
    return ""


def called(told: Told, made: Made) -> str:
    """Tell an author in one line why they are called; their name goes before it."""
    subject = f": {made.subject.rstrip('.')}." if made.subject else "."
    what = f"{DONE[Find(told.sought.find)]} {told.sought.what}"
    return f"wrote {made.short}, which {what}, {percent(told.confidence)} sure{subject}"
