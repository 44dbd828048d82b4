"""Which scopes a call needs. Source: docs.slack.dev/reference/methods, the bot scopes on each method's page."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from bot.emulator.arguments import Arguments
from bot.emulator.box import Box
from bot.emulator.methods import Needs

KINDS = ("public", "private", "im", "mpim")
TYPES = {"public": "public_channel", "private": "private_channel", "im": "im", "mpim": "mpim"}
_PREFIX = dict(zip(KINDS, ("channels", "groups", "im", "mpim"), strict=True))
NO_SCOPE = Needs()

MANAGE = {kind: f"{prefix}:write" for kind, prefix in _PREFIX.items()} | {"public": "channels:manage"}


def needs(*groups: str) -> Needs:
    """Need one scope of each group, whatever the call."""
    return Needs(groups)


def reading(what: str, name: str = "channel") -> Needs:
    """Need the scope to read (`read` or `history`) the kind of conversation a call names."""
    return managing({kind: f"{prefix}:{what}" for kind, prefix in _PREFIX.items()}, name)


def managing(scopes: Mapping[str, str], name: str = "channel") -> Needs:
    """Need the scope for the kind of conversation a call names; any of them when there is no such conversation."""

    def of(box: Box, args: Arguments) -> Sequence[str]:
        wanted = args.text(name)
        found = box.workspace.channels.get(wanted) or box.workspace.channel_named(wanted.removeprefix("#"))
        return ["|".join(scopes.values()) if found is None else scopes.get(found.kind, "")]

    return Needs(tuple(scopes.values()), of)


def listing() -> Needs:
    """Need the scope to read each type of conversation that is to be listed."""
    kinds = {types: kind for kind, types in TYPES.items()}
    return _of_kinds(
        {kind: f"{prefix}:read" for kind, prefix in _PREFIX.items()},
        lambda args: [kinds.get(one, "public") for one in args.names("types") or ["public_channel"]],
    )


def creating() -> Needs:
    """Need the scope for the kind of channel that is to be made."""
    scopes = {kind: MANAGE[kind] for kind in ("public", "private")}
    return _of_kinds(scopes, lambda args: ["private" if args.flag("is_private") else "public"])


def opening() -> Needs:
    """Need the scope to talk to one person or to several."""
    scopes = {kind: MANAGE[kind] for kind in ("im", "mpim")}
    return _of_kinds(scopes, lambda args: ["mpim" if len(args.names("users")) > 1 else "im"])


def _of_kinds(scopes: Mapping[str, str], kinds: Callable[[Arguments], Iterable[str]]) -> Needs:
    return Needs(tuple(scopes.values()), lambda _, args: [scopes[kind] for kind in kinds(args)])
