"""The services that the lab's own asks in turn: the same program, in the parts of a price service and a warehouse."""

from collections.abc import Callable, Mapping

from bot.lab.stage import Role

NEXT = "CHECKOUT_NEXT"
"""The variable with the address of who is asked next; set and empty: this is the last of a chain."""
CHAIN = ("pricing-1", "warehouse-1")

Start = Callable[[str, Mapping[str, str]], Role]


def link(start: Start) -> tuple[tuple[Role, ...], Mapping[str, str]]:
    """Start the chain from its end; give it in its order, and what whoever asks its first needs to know."""
    asked = ""
    roles: list[Role] = []
    for name in reversed(CHAIN):
        roles.insert(0, start(name, {NEXT: asked}))
        asked = roles[0].url
    return tuple(roles), {NEXT: asked}
