"""A bisect from end to end with a prober, without the journal that a durable one has."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

from bot.domain.bisect.question import Answer, Find, Question, Running
from bot.domain.bisect.results import Trial
from bot.domain.bisect.search import plan
from bot.domain.bisect.subject import Subject
from bot.ports import Prober

LOOK_S = 0.25


@dataclass(frozen=True)
class Searched:
    """An answer, and the runs that led to it."""

    answer: Answer
    trials: tuple[Trial, ...]


async def search(
    prober: Prober, repository: Path, subject: Subject, old: str, new: str, *, find: Find = Find.BREAK
) -> Searched:
    """Search between two commits until there is an answer."""
    history = await prober.history(repository, old, new)
    beside = {parent for commit in history.commits for parent in commit.parents}
    commits = [*dict.fromkeys((*history.place, *history.ends, *sorted(beside)))]
    keys = await prober.keys(repository, commits, subject)
    question = Question(history, find, subject.package, keys)
    trials: list[Trial] = []
    tasks: dict[asyncio.Task[Trial], tuple[Running, asyncio.Event]] = {}

    async def run(running: Running, stop: asyncio.Event) -> Trial:
        probed = await prober.test(repository, running.commit, subject, stop=stop)
        return replace(probed.trial, purpose=running.purpose)

    while True:
        running = [each for each, stop in tasks.values() if not stop.is_set()]
        at_once = prober.at_once
        planned = plan(question, trials, running, at_once)
        for each, stop in tasks.values():
            if each.commit in planned.stop:
                stop.set()
        for wanted in planned.start:
            event = asyncio.Event()
            begun = Running(wanted.commit, wanted.purpose)
            tasks[asyncio.create_task(run(begun, event))] = begun, event
        if planned.answer:
            trials += await asyncio.gather(*tasks)
            return Searched(planned.answer, tuple(trials))
        done = set[asyncio.Task[Trial]]()
        while not done and prober.at_once <= at_once:
            done, _ = await asyncio.wait(tasks, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            del tasks[task]
            trials.append(task.result())
