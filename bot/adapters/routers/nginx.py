"""nginx, by a file that it includes: the weights of an upstream, and a word by which its workers say what they run.

nginx keeps the file over every restart and reload.
"""

import asyncio
import hashlib
import math
import re
from dataclasses import replace
from pathlib import Path

from bot.adapters.routers.asking import ask
from bot.adapters.routers.files import put, text_of
from bot.adapters.routers.words import UNMARKED, change, short
from bot.domain.run import Missing
from bot.domain.traffic import Move, Route, Split
from bot.processes import run

_TIMEOUT_S = 2.0
_PROGRAM_S = 10.0
_OK = 200
_WHOLE, _FINE = 100, 100  # percent, and into how many parts each of them is told apart
_APART_S = 0.05
_IN_A_ROW = 6  # old workers go on for 100 ms beside new ones: only what is said for longer, all of them say
_WORD = re.compile(r"weight=(\d+(?:\.\d+)?) dyed=(yes|no|unknown) [0-9a-f]{8}")


class NginxDriver:
    """Writes the file in one piece, and has it loaded only if `nginx -t` takes it."""

    def __init__(self, timeout_s: float = _TIMEOUT_S, program_s: float = _PROGRAM_S) -> None:
        self._timeout_s = timeout_s
        self._program_s = program_s

    async def read(self, route: Route) -> Split | Missing:
        """Ask the workers what they run, and say so if the file is about to change it."""
        word = await self._word(route)
        if isinstance(word, Missing):
            return word
        notes = [] if route.text("dyed") else [UNMARKED]
        if word not in await asyncio.to_thread(text_of, Path(route.text("include"))):
            notes.append(f"a reload of nginx would change it: {route.text('include')} says otherwise")
        return replace(_split(route, word), note=", ".join(notes))

    async def earlier(self, route: Route) -> str | Missing:  # noqa: ARG002 - the same for every route
        """Name no release: nginx knows of none."""
        return ""

    async def plan(self, route: Route, wanted: Split) -> tuple[Move, ...] | Missing:
        """Plan to write the file and to reload, unless it is written and the workers run it."""
        word = await self._word(route)
        if isinstance(word, Missing):
            return word
        now = _split(route, word)
        weight = now.weight if wanted.weight is None else round(wanted.weight, 2)
        after = Split(weight=weight, dyed=now.dyed if None in {now.dyed, wanted.dyed} else wanted.dyed)
        text = render(route, after)
        if now == after and text == await asyncio.to_thread(text_of, Path(route.text("include"))):
            return ()
        words = change(now, after) or f"write {route.text('include')} as it is run"
        upstreams = " ".join(line.strip() for line in text.splitlines() if not line.startswith(("#", "map")))
        programs = " && ".join(" ".join(route.words(name)) for name in ("test", "reload"))
        return (Move(words, f"{upstreams} > {route.text('include')} && {programs}", {"text": text}),)

    async def make(self, route: Route, move: Move) -> Missing | None:
        """Write the file, have it tested and loaded, and wait until every worker runs it."""
        include, text = Path(route.text("include")), move.body["text"]
        before = await asyncio.to_thread(text_of, include)
        if before != text and (flaw := await asyncio.to_thread(put, include, text)):
            return Missing(f"{flaw}; let FirstFive write into this folder")
        refused = await self._run(route, "test")
        if refused is not None:
            flaw = await asyncio.to_thread(put, include, before) if before else ""
            return Missing(f"{refused.reason}; {flaw or 'nothing was loaded, and the file is as it was'}")
        return await self._run(route, "reload") or await self._wait(route, text)

    async def _run(self, route: Route, name: str) -> Missing | None:
        ended = await run(route.words(name), seconds=self._program_s)
        if isinstance(ended, Missing):
            return ended
        return Missing(f"`{' '.join(route.words(name))}` failed: {ended.why}") if ended.why else None

    async def _wait(self, route: Route, text: str) -> Missing | None:
        """Ask until the new word was given several times in a row."""
        said, row = "", 0
        try:
            async with asyncio.timeout(self._program_s):
                while row < _IN_A_ROW:
                    word = await self._word(route)
                    said, row = (
                        (word.reason, 0) if isinstance(word, Missing) else (word, row + 1 if word in text else 0)
                    )
                    await asyncio.sleep(_APART_S)
        except TimeoutError:
            return Missing(
                f"not every worker of nginx runs it within {self._program_s:g} s: {short(said) or 'no answer'}"
            )
        return None

    async def _word(self, route: Route) -> str | Missing:
        answer = await ask("GET", route.text("marker"), self._timeout_s)
        if isinstance(answer, Missing):
            return Missing(f"{answer.reason}: look whether nginx runs, and at `marker`")
        status, text = answer
        if status != _OK or not _WORD.fullmatch(text.strip()):
            said = f"{route.text('marker')} answered {status} {short(text)}".strip()
            return Missing(
                f"{said}: have that location `return 200 {_variable(route)};`, and include {route.text('include')}"
            )
        return text.strip()


def _split(route: Route, word: str) -> Split:
    """Read the word of what the workers run."""
    weight, dyed = (part.partition("=")[2] for part in word.split()[:2])
    return Split(weight=float(weight), dyed={"yes": True, "no": False}.get(dyed) if route.text("dyed") else None)


def render(route: Route, split: Split) -> str:
    """Write the file for a split: the same gives the same bytes."""
    name, dyed = route.text("upstream"), route.text("dyed")
    canary, baseline, lines = (route.words(key) for key in ("canary", "baseline", "lines"))
    parts = round((split.weight or 0) * _FINE)
    of_canary, of_baseline = parts * len(baseline), (_WHOLE * _FINE - parts) * len(canary)
    least = math.gcd(of_canary, of_baseline)
    servers = [_server(each, of_baseline // least) for each in baseline]
    servers += [_server(each, of_canary // least) for each in canary]
    upstreams = [_upstream(name, (*servers, *lines))]
    if dyed:
        upstreams.append(
            _upstream(dyed, (*(f"server {each}" for each in (canary if split.dyed else baseline)), *lines))
        )
    text = "".join(upstreams)
    reached = "unknown" if split.dyed is None else "yes" if split.dyed else "no"
    word = f"weight={split.weight or 0:g} dyed={reached} {hashlib.sha256(text.encode()).hexdigest()[:8]}"
    top = "# FirstFive writes this file; what else is written here is lost."
    return f'{top}\nmap "" {_variable(route)} {{ default "{word}"; }}\n{text}'


def _upstream(name: str, lines: tuple[str, ...]) -> str:
    return "".join([f"upstream {name} {{\n", *(f"    {line};\n" for line in lines), "}\n"])


def _server(place: str, weight: int) -> str:
    """Write a server; one of weight 0, which nginx does not take, is down."""
    return f"server {place} weight={weight}" if weight else f"server {place} down"


def _variable(route: Route) -> str:
    return f"$firstfive_{re.sub(r'[^a-z0-9]', '_', route.text('upstream').lower())}"
