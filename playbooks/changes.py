"""Say what changed: what users get now, which builds run, the commits between them, the links worth having."""

import asyncio
from collections import Counter
from dataclasses import dataclass

from bot.engine import (
    BUILD,
    Build,
    Commit,
    Milestone,
    Missing,
    Params,
    Playbook,
    Probe,
    Reply,
    Service,
    ServiceName,
    Target,
    Tools,
    deploys_of,
    examine,
    gates,
    running,
    suspected,
)

_COMMITS_SHOWN = 5
_COMMITS_COUNTED = 100


class Changes(Params):
    """Of which service; the incident's, if left out."""

    service: ServiceName = ""


@dataclass(frozen=True)
class Answers:
    """What the users of each target get now."""

    probes: tuple[Probe, ...]
    summary: str


@dataclass(frozen=True)
class Builds:
    """Which build each target runs, and the commits that only the newer one has."""

    by_target: tuple[tuple[str, Build], ...]
    commits: tuple[Commit, ...]
    summary: str


@dataclass(frozen=True)
class Deployed:
    """What was deployed last, let through or denied since, in words; "" where nothing is known."""

    summary: str


playbook = Playbook("changes", "Say what changed: answers to users, builds, commits, links.", Changes)


@playbook.step("Ask what users get now", optional=True)
async def ask(tools: Tools, params: Changes) -> Answers:
    """Probe every target a few times."""
    targets = await _asked(tools, params)
    probes = await asyncio.gather(*(tools.ports.targets.probe(target) for target in targets))
    bad = [f"{probe.target} {probe.told}" for probe in probes if probe.requests and probe.failures]
    asked = sum(probe.requests > 0 for probe in probes)
    good = _all(asked) if asked else "no target has a url to probe"
    return Answers(tuple(probes), "; ".join(bad) or good)


@playbook.step("Compare the builds", optional=True)
async def compare(tools: Tools, params: Changes) -> Builds:
    """Read each target's build; the one most targets run is the last known good one."""
    service = await _service(tools, params)
    targets = await _asked(tools, params)
    captures = await asyncio.gather(*(tools.ports.targets.capture(target, [BUILD]) for target in targets))
    facts = [examine(parts) for parts in captures]
    builds = tuple((t.name, each.build) for t, each in zip(targets, facts, strict=True))
    known = Counter(build.revision or build.id for _, build in builds if build.revision or build.id)
    if not known:
        return Builds(builds, (), "no target says which build it runs")
    if len(known) == 1:
        who = "all run" if known.total() == len(builds) else f"{known.total()} of {len(builds)} tell what they run,"
        return Builds(builds, (), f"{who} build {next(iter(known))[:7]}")
    good = known.most_common(1)[0][0]
    odd = [(name, build) for name, build in builds if (build.revision or build.id) not in {"", good}]
    commits = await tools.ports.repository.between(service, good, odd[0][1].revision, _COMMITS_COUNTED)
    first, *rest = (f"{name} runs build {build}" for name, build in odd)
    if isinstance(commits, Missing):
        return Builds(builds, (), "; ".join([f"{first}, the others {good[:7]} ({commits.reason})", *rest]))
    compared = _newer(commits, good) if commits else f"the others {good[:7]}"
    return Builds(builds, commits[:_COMMITS_SHOWN], "; ".join([f"{first}, {compared}", *rest]))


@playbook.step("Look what was deployed", optional=True)
async def look(tools: Tools, params: Changes) -> Deployed:
    """Say how the last deploy lies to when it started, or to now; where it was taken back, also the one before."""
    service = await _service(tools, params)
    deploys = await deploys_of(tools, service)
    incident = await tools.incident() if tools.incident_id else None
    started_at = incident.milestones.get(Milestone.STARTED) if incident else None
    runs, refused = running(deploys, tools.now()), gates.last_denied(await gates.told_deploys(tools, service.name))
    is_back = runs.last is not None and runs.last.rolled_back_at is not None
    before = suspected(deploys, tools.now()).good if is_back else None
    known = [each for each in (runs.last, runs.coming, before) if each is not None]
    told = [each.beside(started_at, "it started") if started_at else each.ago(tools.now()) for each in known]
    told += [f"{refused.ago(tools.now())} ({refused.obstacles})"] if refused else []
    return Deployed("; ".join(told))


@playbook.step("Sum up")
async def sum_up(
    tools: Tools,
    params: Changes,
    answers: Answers | Missing,
    builds: Builds | Missing,
    deployed: Deployed | Missing,
) -> Reply:
    """Give a line that fits the card, and below it what is worth reading."""
    if not await _name(tools, params):
        return Reply("No service is named yet: pick one and its targets are captured.")
    service = await _service(tools, params)
    told = [part.summary if not isinstance(part, Missing) else part.reason for part in (answers, builds)]
    names = tuple(target.name for target in await _asked(tools, params))
    commits = () if isinstance(builds, Missing) else builds.commits
    lines = [" ".join(f"{_sentence(text, names)}." for text in told)]
    if not isinstance(deployed, Missing) and deployed.summary:
        # First what is likely the cause: the end of a long line is cut on the card.
        lines[0] = f"{deployed.summary}. {lines[0]}"
    lines += [f"• `{commit.sha[:7]}` {commit.subject} ({commit.author})" for commit in commits]
    lines += [f"• <{link.url}|{link.title}>" for link in service.links]
    return Reply("\n".join(lines))


def _all(count: int) -> str:
    return "the one target answers" if count == 1 else f"all {count} targets answer"


def _newer(commits: tuple[Commit, ...], good: str) -> str:
    """Count the commits that only the newer build has, and name the latest."""
    count = "100 or more" if len(commits) == _COMMITS_COUNTED else str(len(commits))
    word = "commit" if len(commits) == 1 else "commits"
    return f"{count} {word} newer than the others' {good[:7]} (latest: {commits[0].subject})"


def _sentence(text: str, names: tuple[str, ...]) -> str:
    """Begin a sentence; a target is called what it is called."""
    return text if text.startswith(names) else text[:1].upper() + text[1:]


async def _name(tools: Tools, params: Changes) -> str:
    return params.service or ((await tools.incident()).service if tools.incident_id else "")


async def _service(tools: Tools, params: Changes) -> Service:
    return tools.service(await _name(tools, params))


async def _asked(tools: Tools, params: Changes) -> tuple[Target, ...]:
    return (await tools.targets(await _service(tools, params))).targets
