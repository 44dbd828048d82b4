"""A bisect as a durable run does it: plan, run what is wanted at once, plan again with what that told."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from bot.domain.bisect.bisected import PROGRESS, Asked, Bisected, Progress, seen
from bot.domain.bisect.history import SHORT, EndsReversed, History
from bot.domain.bisect.question import Answer, Find, Kind, Question
from bot.domain.bisect.replay import replay
from bot.domain.bisect.results import Result, Trial
from bot.domain.bisect.retreat import nowhere_else, retreat
from bot.domain.bisect.search import plan
from bot.domain.bisect.standing import SURE
from bot.domain.bisect.subject import Overlay, Subject
from bot.domain.bisect.subject import command as words
from bot.domain.bisect.telling import Made, of, sought, summary
from bot.domain.errors import CommandRejected, RunFailed
from bot.domain.run import Missing
from bot.engine.herald import Herald
from bot.engine.probes import Probes
from bot.engine.tools import Tools, adapter_of
from bot.ports import Prober, Stored

__all__ = [
    "SURE",
    "Asked",
    "Bisected",
    "Find",
    "Found",
    "Subject",
    "ask",
    "of",
    "record_of",
    "search",
    "told",
    "words",
]

_OLD = "old end"
_SUSPECTS = 20
"""How many suspects are told by name."""


@dataclass(frozen=True)
class Found:
    """The answer, by which run, and all that was tested for it; `commits` were in question, `log` is an artifact."""

    asked: Asked
    answer: Answer
    trials: tuple[Trial, ...]
    commits: int
    seconds: float
    run: str
    summary: str
    log: Stored | None = None


async def bring(tools: Tools, place: str, *, fresh: bool = False) -> Path:
    """Give the folder of a repository; one that is elsewhere is brought here, and up to date if it must be `fresh`.

    :raises RunFailed: it cannot be had.
    """
    found = await tools.ports.repository.bring(place, fresh=fresh)
    if isinstance(found, Missing):
        raise RunFailed(f"The repository cannot be read: {found.reason}.")
    return found


async def ask(tools: Tools, asked: Asked) -> Asked:
    """Name the ends of a question in full, and refuse one that cannot be answered.

    :raises FirstFiveError: says what to ask instead.
    """
    place, prober = await bring(tools, asked.place, fresh=True), tools.ports.prober
    old_name, new_name = (asked.good, asked.bad) if asked.find is Find.BREAK else (asked.bad, asked.good)
    new = await prober.resolve(place, new_name or "HEAD")
    old = await prober.resolve(place, old_name) if old_name else ""
    asked = replace(asked, old=old, new=new)
    if asked.overlay:
        laid = await prober.overlay(place, new, asked.overlay)
        kept = await tools.ports.artifacts.put(laid.name, laid.content)
        asked = replace(asked, overlay=laid.name, sha256=kept.sha256)
    await _subject(tools, asked)
    return replace(asked, summary=f"{asked.subject}, {await _range(prober, place, asked)}")


async def _range(prober: Prober, place: Path, asked: Asked) -> str:
    """Say what is searched, unless nothing can be."""
    if not asked.old:
        return f"back from {asked.new[:SHORT]}"
    try:
        history = await prober.history(place, asked.old, asked.new, first_parent=asked.first_parent)
    except EndsReversed as error:
        other = (
            "find=fix looks for what mended it." if asked.find is Find.BREAK else "find=break looks for what broke it."
        )
        raise CommandRejected(f"{error} {other}") from error
    return f"{len(history.commits)} commits from {asked.old[:SHORT]} to {asked.new[:SHORT]}"


def record_of(asked: Asked) -> str:
    """Give the key under which the answer to a question is kept, whoever asks it and however the ends are called."""
    exact = replace(asked, good="", bad="", service="", summary="")
    return f"bisected:{sha256(adapter_of(Asked).dump_json(exact)).hexdigest()}"


async def search(tools: Tools, asked: Asked) -> Found:
    """Search until there is an answer, and keep it for whoever asks the same."""
    place, subject, began = await bring(tools, asked.place), await _subject(tools, asked), _began(tools, asked)
    herald = Herald(tools, began.begun_at)
    bisect = _Bisect(tools, asked, place, subject, began, herald)
    async with herald, Probes(tools, place, subject) as probes:
        answer = await bisect.answer(probes)
    trials = probes.ended
    if answer.kind is Kind.REFUTED:
        answer = replace(answer, why=f"{answer.why}{await _last_words(tools, answer.why, trials)}")
    runs = dict(Counter("moot" if trial.moot else trial.purpose.value for trial in trials))
    seconds = round((tools.now() - bisect.progress.begun_at).total_seconds(), 3)
    found = Found(
        bisect.asked,
        replace(answer, runs=runs),
        trials,
        bisect.progress.commits,
        seconds,
        tools.run_id,
        answer.why,
        await _log(tools, bisect, trials, answer),
    )
    if answer.kind not in {Kind.UNDECIDED, Kind.REFUTED}:  # whoever has mended what was wrong asks the same again
        tools.keep(record_of(asked), Found, found)
    return found


async def _log(tools: Tools, bisect: "_Bisect", trials: Sequence[Trial], answer: Answer) -> Stored | None:
    """Keep the log that git replays; None where nothing was searched."""
    if bisect.question is None:
        return None
    prober, asked = tools.ports.prober, bisect.asked
    ran = dict.fromkeys(trial.commit for trial in trials if not trial.moot)
    subjects = {each: Made.of(await prober.describe(bisect.place, each)).subject for each in (*ran, *answer.suspects)}
    text = replay(bisect.question, trials, answer, subjects, first_parent=asked.first_parent)
    return await tools.ports.artifacts.put("bisect.log", text.encode())


async def _last_words(tools: Tools, why: str, trials: Sequence[Trial]) -> str:
    """Give the last line that was said at the commit that an answer names: it mostly tells what is wrong there."""
    trial = next((each for each in reversed(trials) if each.log and each.commit[:SHORT] in why), None)
    if trial is None:
        return ""
    if trial.result is Result.ABSENT:
        return " Are its name and its package right? With overlay= it runs where it did not exist."
    said = (await tools.ports.artifacts.get(trial.log) or b"").decode(errors="replace")
    lines = [line.strip() for line in said.splitlines()[1:] if line.strip()]
    return f" The last that was said there: {lines[-1][:200]}" if lines else ""


async def _subject(tools: Tools, asked: Asked) -> Subject:
    overlay = None
    if asked.sha256:
        content = await tools.ports.artifacts.get(asked.sha256)
        if content is None:
            raise RunFailed(f"What {asked.overlay} holds was kept, and is not there any more; ask again.")
        overlay = Overlay(asked.overlay, content)
    return Subject(asked.test, f"./{asked.package}", asked.command, overlay, asked.timeout_s)


def _began(tools: Tools, asked: Asked) -> Progress:
    """Give how far the run was when its last life ended."""
    kept: Progress | None = None
    if PROGRESS in tools.memos:
        kept = adapter_of(Progress).validate_json(tools.memos[PROGRESS])
    return kept or Progress(asked, tools.now(), tools.now(), 0, 0)


@dataclass
class _Bisect:
    """One search on its way."""

    tools: Tools
    asked: Asked
    place: Path
    subject: Subject
    progress: Progress
    herald: Herald
    question: Question | None = None

    async def answer(self, probes: Probes) -> Answer:
        """Find the older end if nobody named one, then search between the two."""
        prober = self.tools.ports.prober
        if not self.asked.old:
            line = await prober.line(self.place, self.asked.new)
            old = self.tools.memos.get(_OLD) or await self._old(probes, line)
            if not old:
                return nowhere_else(line, probes.ended, self.asked.find)
            await self.tools.commit(_OLD, old)
            self.asked = replace(self.asked, old=old)
        history = await prober.history(self.place, self.asked.old, self.asked.new, first_parent=self.asked.first_parent)
        self.progress = replace(self.progress, asked=self.asked, commits=len(history.commits))
        self.question = await self._question(history)
        return await self._search(probes, history, self.question)

    async def _old(self, probes: Probes, line: tuple[str, ...]) -> str:
        """Go back until the test is otherwise; give "" if it nowhere is."""
        while True:
            back = retreat(line, probes.ended, probes.running, self.tools.ports.prober.at_once, self.asked.find)
            probes.follow(back.start, back.stop)
            if back.old or back.exhausted:
                return back.old
            await self._tell(History("", self.asked.new, ()), 0, probes)
            await probes.next()

    async def _question(self, history: History) -> Question:
        prober, find = self.tools.ports.prober, self.asked.find
        beside = {parent for commit in history.commits for parent in commit.parents}
        commits = [*dict.fromkeys((*history.place, *history.ends, *sorted(beside)))]
        keys = await prober.keys(self.place, commits, self.subject)
        return Question(history, find, self.subject.package, keys)

    async def _search(self, probes: Probes, history: History, question: Question) -> Answer:
        until = self.progress.begun_at + timedelta(minutes=self.tools.catalog.bisect.minutes)
        while True:
            asked = question if self.tools.now() < until else replace(question, most_runs=0)
            # Thousands of commits take their time, in which others must be served.
            planned = await asyncio.to_thread(
                plan, asked, probes.ended, probes.running, self.tools.ports.prober.at_once
            )
            probes.follow(planned.start, planned.stop)
            if planned.answer:
                return planned.answer
            await self._tell(history, planned.left, probes)
            await probes.next()

    async def _tell(self, history: History, left: int, probes: Probes) -> None:
        known = replace(self.progress, at=self.tools.now(), left=left, width=self.tools.ports.prober.at_once)
        self.progress = seen(history, probes.ended, probes.running, known)
        self.herald.hear(sought(self.asked), self.question, probes.ended)
        await self.tools.commit(PROGRESS, adapter_of(Progress).dump_json(self.progress).decode())


async def told(tools: Tools, found: Found) -> Bisected:
    """Say what the commits are that the answer names."""
    answer, place = found.answer, await bring(tools, found.asked.place)
    prober = tools.ports.prober
    suspects = [await prober.describe(place, each) for each in answer.suspects[:_SUSPECTS]]
    culprit = await prober.describe(place, answer.culprit) if answer.culprit else None
    bisected = Bisected(
        kind=answer.kind,
        culprit=answer.culprit or None,
        confidence=round(answer.confidence, 6),
        test_runs=len(found.trials),
        why=answer.why,
        summary="",
        asked=found.asked,
        commits=found.commits,
        seconds=found.seconds,
        author=culprit.author if culprit else "",
        email=culprit.email if culprit else "",
        at=culprit.at if culprit else None,
        message=culprit.message if culprit else "",
        files=culprit.files if culprit else (),
        suspects=tuple(suspects),
        suspected=len(answer.suspects),
        posterior=answer.posterior,
        runs=answer.runs,
        log=found.log.sha256 if found.log else "",
        earlier=found.run if found.run != tools.run_id else "",
    )
    return replace(bisected, summary=summary(of(bisected)))
