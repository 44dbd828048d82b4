"""All goroutines of a target, from the part of its capture that tells most of them."""

from collections.abc import Mapping
from dataclasses import replace

from bot.domain.costs import ProfileMalformed
from bot.domain.goroutine_counts import counted, group_counts
from bot.domain.goroutine_dump import group
from bot.domain.goroutines import DumpMalformed, Goroutines, group_profile
from bot.domain.profile import decode
from bot.domain.snapshot import SECOND, Captured


def best(parts: Mapping[str, Captured]) -> Goroutines | None:
    """Give them from the dump, which knows waits and who started them, or else from the profiles; None without any."""
    dump = _dump(parts.get("goroutine-dump")) or _dump(parts.get("goroutine-dump" + SECOND))
    profile = _profile(parts.get("goroutine")) or _profile(parts.get("goroutine" + SECOND))
    if dump and dump.groups and not (profile and profile.total > 2 * dump.total):
        return dump
    leaks = _profile(parts.get("goroutineleak"))
    if profile is None or leaks is None:
        return profile
    leaked = {each.stack: each.count for each in leaks.groups if each.stack}
    return replace(profile, groups=tuple(replace(each, leaked=leaked.get(each.stack, 0)) for each in profile.groups))


def _dump(part: Captured | None) -> Goroutines | None:
    if part is None or not part.usable:
        return None
    try:
        return group_counts(part.content) if counted(part.content) else group(part.content)
    except DumpMalformed:
        return None


def _profile(part: Captured | None) -> Goroutines | None:
    if part is None or not part.usable:
        return None
    try:
        return group_profile(decode(part.content))
    except ProfileMalformed:
        return None
