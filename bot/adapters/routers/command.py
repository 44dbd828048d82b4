"""Programs of your own: one that says as JSON how requests are shared, one that changes it.

No shell: words and values are arguments. What they print and how they end is all that is known of them.
"""

import json
import shlex
from contextlib import suppress

from bot.adapters.routers.words import short
from bot.domain.run import Missing
from bot.domain.traffic import Move, Route, Split
from bot.processes import run

_TIMEOUT_S = 15.0
_MOST_BYTES = 65_536


class CommandDriver:
    """`read` prints `{"weight": 10, "dyed": true, "release": "v1"}`; `set` gets `{weight}`, `{dyed}`, `{release}`."""

    def __init__(self, timeout_s: float = _TIMEOUT_S) -> None:
        self._timeout_s = timeout_s

    async def read(self, route: Route) -> Split | Missing:
        """Run the program that reads."""
        said = await self._run(route.words("read"))
        return said if isinstance(said, Missing) else split_of(said, " ".join(route.words("read")[:1]))

    async def earlier(self, route: Route) -> str | Missing:
        """Give what the program that reads says under `earlier`."""
        said = await self._run(route.words("read"))
        return said if isinstance(said, Missing) else earlier_of(said)

    async def plan(self, route: Route, wanted: Split) -> tuple[Move, ...] | Missing:
        """Plan one call of the program that changes, with all that is wanted; what is to stay is given as it is."""
        now = await self.read(route)
        if isinstance(now, Missing):
            return now
        after = merged(now, wanted)
        if now.meets(wanted):
            return ()
        words = [word.format(**placed(after)) for word in route.words("set")]
        return (Move(f"run it so that {after.words}", shlex.join(words), {"words": json.dumps(words)}),)

    async def make(self, route: Route, move: Move) -> Missing | None:
        """Run the program that changes."""
        del route
        said = await self._run(tuple(json.loads(move.body["words"])))
        return said if isinstance(said, Missing) else None

    async def _run(self, words: tuple[str, ...]) -> str | Missing:
        ended = await run(words, seconds=self._timeout_s, most_bytes=_MOST_BYTES)
        if isinstance(ended, Missing):
            return ended
        return Missing(f"{ended.name} failed: {ended.why}") if ended.why else ended.text


def split_of(said: str, where: str) -> Split | Missing:
    """Read what a program or a webhook says of how requests are shared."""
    try:
        told = json.loads(said)
        weight, dyed = told.get("weight"), told.get("dyed")
        is_right = (weight is None or 0 <= float(weight) <= 100) and dyed in (None, True, False)  # noqa: PLR2004 - percent
    except (ValueError, TypeError, AttributeError, RecursionError):
        is_right = False
    if not is_right:
        example = '{"weight": 0..100, "dyed": true or false, "release": "..."}'
        return Missing(f"{where} answered {short(said) or 'nothing'!r}; it should be {example}")
    return Split(
        None if weight is None else float(weight), dyed, str(told.get("release") or ""), str(told.get("note") or "")
    )


def earlier_of(said: str) -> str:
    """Read which release was before, if that is said."""
    with suppress(ValueError, AttributeError):
        return str(json.loads(said).get("earlier") or "")
    return ""


def merged(now: Split, wanted: Split) -> Split:
    """Give what is to be, in full."""
    return Split(
        now.weight if wanted.weight is None else wanted.weight,
        now.dyed if wanted.dyed is None else wanted.dyed,
        wanted.release or now.release,
    )


def placed(split: Split) -> dict[str, str]:
    """Give the values of the placeholders; "" for what is not known."""
    dyed = "" if split.dyed is None else str(split.dyed).lower()
    return {"weight": "" if split.weight is None else f"{split.weight:g}", "dyed": dyed, "release": split.release}
