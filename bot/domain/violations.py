"""Builds that are not what they should be: what is wrong with which target, since when, and what follows from it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.alerts import Alert
from bot.domain.buildinfo import is_toolchain
from bot.domain.conditions import Condition
from bot.domain.expected import SHORT, Expected
from bot.domain.facts import Build, Facts, Loss
from bot.domain.faults.build_drift import drifts, is_another
from bot.domain.faults.finding import Beside
from bot.domain.guard_plan import GuardPlan, Reason
from bot.domain.snapshot import BUILD, GOROUTINE, VERSION, PartStatus

ALERTS = "build-guard"
"""By what the alerts of one service are grouped: they are on one incident."""
_WEIGHT, _UNSEEN_WEIGHT = 74, 52
"""In the digest: above one of a few failed requests, below a target that does not answer."""

_OF_ABSENCE = frozenset({Reason.BUILD_ID_MISMATCH, Reason.STAMP_MISSING})
"""What is wrong because a thing is not there: nobody can say so of a target that did not tell all it can."""

_OF_PROGRAM = frozenset(Reason) - {Reason.UNSEEN}
_TELLS: Mapping[str, frozenset[Reason]] = {
    BUILD.name: _OF_PROGRAM,
    VERSION.name: _OF_PROGRAM,
    GOROUTINE.name: frozenset({Reason.BUILD_ID_MISMATCH}),
}
"""Of which reasons each part of a capture tells: while it is lost, no other is less known."""

_Wrong = tuple[Reason, str, str]
"""Why, the claim, the fix."""


@dataclass(frozen=True)
class Violation:
    """What is wrong with the build of a target. `since` is when it was seen first."""

    target: str
    reason: Reason
    claim: str
    fix: str
    since: datetime

    @property
    def key(self) -> tuple[str, Reason]:
        """What tells one from another."""
        return self.target, self.reason


@dataclass(frozen=True)
class Untold:
    """A target that did not tell all of its build: why, and of which reasons none can say that they hold no more.

    `why` is "" where it told nothing at all: that is `unseen`, which says why itself.
    """

    target: str
    why: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Guarded:
    """What the guard saw of a service last: when it began to look, at which targets, and what was wrong with them.

    `unsettled` are those that ran another release than the record's while one was rolled out, which is no violation.
    `losses` say which targets may be missing, as discovery did not tell of all; `untold` are those that did not tell
    all of their builds.
    """

    at: datetime
    targets: tuple[str, ...] = ()
    violations: tuple[Violation, ...] = ()
    unsettled: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    untold: tuple[Untold, ...] = ()

    def of(self, target: str) -> tuple[Violation, ...]:
        """Give what is wrong with one target."""
        return tuple(each for each in self.violations if each.target == target)


def guard_key(service: str) -> str:
    """Name what is kept of a service's last look."""
    return f"guard:{service}"


def judge(facts: Mapping[str, Facts], plan: GuardPlan, held: Mapping[str, bool], at: datetime) -> Guarded:
    """Give everything that is seen to be wrong now. `held`: whether one of the plan's branches holds a commit.

    What was wrong before and cannot be seen now is for `carried` to add.
    """
    found: dict[tuple[str, Reason], Violation] = {}
    untold = {each.target: each for each in _untold(facts.values())}
    for name, mine in facts.items():
        others = [each for other, each in facts.items() if other != name]
        blind = _OF_ABSENCE.intersection(untold[name].reasons) if name in untold else frozenset[Reason]()
        for reason, claim, fix in _wrong(mine, Beside(others), plan, held):
            if reason not in blind:
                new = Violation(name, reason, claim, fix, at)
                known = found.get(new.key)
                found[new.key] = replace(known, claim=f"{known.claim} {claim}") if known else new
    violations = tuple(found[key] for key in sorted(found))
    return Guarded(at, tuple(sorted(facts)), violations, tuple(_unsettled(facts)), untold=tuple(untold.values()))


def carried(now: Guarded, before: Guarded | None) -> Guarded:
    """Add what was wrong before and could not be seen now, and since when the rest is: before, or this look.

    What a target was seen to run stays known while it does not tell, or discovery does not tell of it: nobody is well
    because nobody can see it. Where nothing was lost, a target that is not there is gone, and what was wrong is over.
    Who does not tell all, and did not at the look before, is `unseen`: what is lost for good must not go unsaid.
    """
    was = {each.key: each for each in before.violations} if before else {}
    seen = (*now.violations, *_unseen(now, before)) if before else now.violations
    found = {each.key: replace(each, since=was.get(each.key, each).since) for each in seen}
    blind = {(each.target, reason) for each in now.untold for reason in each.reasons}
    for key, each in was.items():
        if key not in found and (key in blind or (now.losses and each.target not in now.targets)):
            found[key] = each
    return replace(now, violations=tuple(found[key] for key in sorted(found)))


def _unseen(now: Guarded, before: Guarded) -> Iterator[Violation]:
    """Give those that did not tell all at two looks; a look that is heard twice is one."""
    known = {each.target for each in before.violations if each.reason is Reason.UNSEEN}
    silent = known | {each.target for each in before.untold if before.at < now.at}
    for each in now.untold:
        if each.why and each.target in silent:
            claim = f"Not all of its build can be seen, for two looks or more: {_within(each.target, each.why)}."
            fix = "Make its agent, its `version` or its profiles answer again, or configure none that it lacks."
            yield Violation(each.target, Reason.UNSEEN, claim, fix, now.at)


def _within(target: str, why: str) -> str:
    """Say why in a sentence about a target, which begins with its name already."""
    return why.removeprefix(f"{target}: ")


def lost(facts: Facts) -> tuple[Loss, ...]:
    """Give what a target was asked for and did not tell; what nobody can ask it for is no loss."""
    return tuple(each for each in facts.losses if each.status != PartStatus.SKIPPED)


def _untold(facts: Iterable[Facts]) -> Iterator[Untold]:
    for each in sorted(facts, key=lambda one: one.target):
        if not each.build.is_known:
            yield Untold(each.target, "", tuple(reason for reason in Reason if reason is not Reason.UNSEEN))
            continue
        unknown = frozenset(reason for reason, rests in _ground(each).items() if not rests)
        missed = [(loss.reason, unknown & _TELLS.get(loss.part, frozenset())) for loss in lost(each)]
        if reasons := tuple(reason for reason in Reason if any(reason in of for _, of in missed)):
            yield Untold(each.target, "; ".join(dict.fromkeys(why for why, of in missed if of)), reasons)


def _ground(facts: Facts) -> Mapping[Reason, object]:
    """Say of every reason whether all is there by which it can be said that it does not hold."""
    build, stamp, expected = facts.build, facts.build.stamp, facts.expected or Expected()
    deploy, ids = expected.deploy, (build.id, stamp.build_id)
    met = deploy is None or expected.meets(build.revision) is not None or (build.release and not expected.commit)
    return {
        Reason.UNSEEN: True,
        Reason.COMMIT_UNKNOWN: build.revision,
        Reason.COMMIT_MISMATCH: met,
        Reason.COMMIT_NOT_IN_BRANCH: build.revision,
        Reason.DIRTY_TREE: build.modified is not None,
        Reason.GO_VERSION_MISMATCH: build.revision and build.go and stamp.go,
        Reason.BUILD_ID_MISMATCH: deploy is None or deploy.build in {"", *ids} or all(ids),
        Reason.ENVIRONMENT_MISMATCH: stamp.env and build.runs_in and build.environment is not None,
        Reason.STAMP_MISMATCH: False,  # it holds what one part tells against what another does: it takes them all
        Reason.STAMP_MISSING: not stamp.lacks,
    }


def _unsettled(facts: Mapping[str, Facts]) -> Iterator[str]:
    for name, mine in sorted(facts.items()):
        if mine.expected is not None and mine.expected.changing and is_another(mine.build, mine.expected):
            yield name


def _wrong(facts: Facts, beside: Beside, plan: GuardPlan, held: Mapping[str, bool]) -> Iterator[_Wrong]:
    build = facts.build
    if not build.is_known:
        why = next((loss.reason for loss in facts.losses), "it tells nothing of its build")
        fix = "Let its agent read its program, or let it serve its version (`version`)."
        yield Reason.UNSEEN, f"Which build it runs cannot be seen: {_within(facts.target, why)}.", fix
        return
    for drift in drifts(facts, beside):
        yield drift.reason, drift.claim, drift.fix
    if plan.branches and held.get(build.revision) is False:
        names = " or ".join(plan.branches)
        claim = f"It runs {build.revision[:SHORT]}, which is no ancestor of {names}."
        yield Reason.COMMIT_NOT_IN_BRANCH, claim, f"Merge it into {names}, or deploy what is there."
    yield from _of_stamp(build, plan)
    yield from _of_environment(build, plan)


def _of_stamp(build: Build, plan: GuardPlan) -> Iterator[_Wrong]:
    """Hold what was stamped, and what the service tells, against the program itself."""
    stamp, again = build.stamp, "Build it again with what `firstfive stamp` prints there."
    if stamp.go and build.go and not is_toolchain(build.go, stamp.go):
        claim = f"It is stamped {stamp.go} and was built by {build.go}."
        yield Reason.GO_VERSION_MISMATCH, claim, again
    for who, commit in (("is stamped", stamp.revision), ("tells", build.told)):
        if commit and build.revision and not _is_same(commit, build.revision):
            claim = f"It {who} {commit[:SHORT]}, and its program is of {build.revision[:SHORT]}."
            yield Reason.STAMP_MISMATCH, claim, again
    if plan.stamped and stamp.lacks:
        claim = f"It carries no {', no '.join(part.replace('_', ' ') for part in stamp.lacks)}."
        yield Reason.STAMP_MISSING, claim, "Build it with the -ldflags that `firstfive stamp --env ENV` prints."


def _of_environment(build: Build, plan: GuardPlan) -> Iterator[_Wrong]:
    """Hold the environment that it was built for against the one that it runs in, and that it is configured for."""
    known = {"it was built for": build.stamp.env, "it runs in": build.runs_in, "it is configured for": plan.env}
    told = {how: env for how, env in known.items() if env}
    if len(set(told.values())) > 1:
        claim = ", ".join(f"{how} {env}" for how, env in told.items())
        fix = "Deploy the build of this environment, or correct RUNTIME_ENV there."
        yield Reason.ENVIRONMENT_MISMATCH, f"{claim[0].upper()}{claim[1:]}.", fix


def _is_same(one: str, other: str) -> bool:
    length = min(len(one), len(other))
    return one[:length] == other[:length]


def counts(guarded: Guarded) -> dict[Reason, int]:
    """Count the targets by reason; a reason that holds for none is 0, so that what is over is told."""
    counted = Counter(each.reason for each in guarded.violations)
    return {reason: counted[reason] for reason in Reason}


def alerts(service: str, before: Guarded | None, now: Guarded, plan: GuardPlan) -> list[Alert]:
    """Give what fires and what is over, of the reasons that open an incident; the same again is no news."""
    firing = [each for each in now.violations if each.reason in plan.opens]
    keys = {each.key for each in firing}
    over = [each for each in (before.violations if before else ()) if each.key not in keys]
    return [*(_alert(service, each, fires=True) for each in firing), *(_alert(service, each) for each in over)]


def _alert(service: str, of: Violation, *, fires: bool = False) -> Alert:
    labels = {"service": service, "target": of.target, "reason": of.reason.value}
    name = f"{of.reason.value} on {of.target}"
    summary = of.claim.removesuffix(".")  # it is a title of an incident
    return Alert(f"{of.target}:{of.reason.value}", ALERTS, name, fires, of.since, summary, labels=labels)


def of_guard(service: str, guarded: Guarded | None) -> Iterator[Condition]:
    """Give a condition for each reason and the targets it holds for, for the digest."""
    for reason in Reason:
        found = [each for each in (guarded.violations if guarded else ()) if each.reason is reason]
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            text = f"{found[0].target}{more}: {found[0].claim}"
            weight = _UNSEEN_WEIGHT if reason is Reason.UNSEEN else _WEIGHT
            key, grade = f"guard:{service}:{reason.value}", f"{len(found)}"
            yield Condition(key, grade, weight, text, f"{service}: the guard finds no {reason.value} any more")


def sentence(service: str, guarded: Guarded, most: int = 8) -> str:
    """Say in a few lines what was found, the reasons that most targets have first."""
    known = {*guarded.targets, *(each.target for each in guarded.violations)}
    looked = f"{len(known)} target{'' if len(known) == 1 else 's'}"
    lost = [f"Some may be missing: {each}." for each in guarded.losses[:most]]
    unseen = {each.target for each in guarded.violations if each.reason is Reason.UNSEEN}  # which says why itself
    untold = [each.why for each in guarded.untold if each.why and each.target not in unseen]
    lost += [f"Not all is known: {why}." for why in untold[:most]]
    if not guarded.violations:
        well = f"*{service}*: the builds of {looked} are what they should be."
        unsure = f"*{service}*: nothing wrong is seen in the builds of {looked}; not all is known."
        return "\n".join([(unsure if untold else well) if guarded.targets else _nobody(service), *lost])
    ranked = sorted(guarded.violations, key=lambda each: (each.reason is Reason.UNSEEN, *each.key))
    lines = [f"• `{each.reason.value}` {each.target}: {each.claim} {each.fix}" for each in ranked[:most]]
    rest = [f"{len(ranked) - most} more."] if len(ranked) > most else []
    ill = len({each.target for each in ranked})
    first = f"*{service}*: the builds of {ill} of {looked} are not what they should be."
    return "\n".join([first, *lines, *rest, *lost])


def _nobody(service: str) -> str:
    return f"*{service}* has no target whose build could be looked at."


def words(violations: Sequence[Violation]) -> tuple[str, ...]:
    """Name the reasons alone: they tell whoever may not know more that something is wrong."""
    return tuple(sorted({each.reason.value for each in violations}))


def commits(facts: Iterable[Facts]) -> tuple[str, ...]:
    """Give the commits that run, each once."""
    return tuple(dict.fromkeys(each.build.revision for each in facts if each.build.revision))
