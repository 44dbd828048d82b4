"""Evidence and policy in, allow or deny out: every reason to deny is given, and no reason is what allows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from bot.domain.gate.evidence import SHORT, Evidence, Objection, Obstacle, Provenance, Sbom, Signature
from bot.domain.gate.policy import GatePolicy, banned

_SKEW = timedelta(minutes=5)
"""So far ahead of ours may the clock of a builder be."""
_MOST_OBJECTIONS = 40
_LONGEST = 200


@dataclass(frozen=True)
class Override:
    """What two people let through: this artifact, despite exactly these objections, until a moment; used once.

    `run` is the run that they agreed in; `used_at` is None until something has gone out by it.
    """

    digest: str
    objections: tuple[Objection, ...]
    by: str
    approved_by: str
    until: datetime
    run: str = ""
    used_at: datetime | None = None

    @property
    def people(self) -> str:
        """Name who agreed: `Ada, approved by Ben`."""
        return f"{self.by}, approved by {self.approved_by}"

    def covers(self, digest: str, objections: Sequence[Objection], now: datetime) -> bool:
        """Tell whether it lets a deploy through that is objected to; nothing that was not seen then is covered."""
        stands = self.used_at is None and now < self.until
        return bool(objections) and digest == self.digest and stands and {*objections} <= {*self.objections}

    def why_not(self, now: datetime) -> str:
        """Say why it does not let through what is denied."""
        if self.used_at is not None:
            why = f"was used at {self.used_at:%Y-%m-%d %H:%M} UTC"
        elif now >= self.until:
            why = f"ran out at {self.until:%Y-%m-%d %H:%M} UTC"
        else:
            why = "does not cover all of these reasons: ask for a new one"
        return f"The override of {self.people}, {why}"


@dataclass(frozen=True)
class Decision:
    """Whether a build may be deployed. `overridden` names who let it through in spite of the objections, "" for none.

    `proven` says what was found to be in order.
    """

    allowed: bool
    objections: tuple[Objection, ...]
    proven: tuple[str, ...] = ()
    overridden: str = ""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Each objection as a line."""
        return tuple(map(str, self.objections))


def decide(
    policy: GatePolicy | None,
    evidence: Evidence,
    held: Sequence[Objection],
    now: datetime,
    override: Override | None = None,
) -> Decision:
    """Decide whether a build may be deployed. `held`: what the situation says against it, whatever is proven.

    Without a policy nothing is allowed: who has forgotten to say what is asked for has not said that all is well.
    """
    found = _found(policy, evidence, now)
    every = tuple(dict.fromkeys([*held, *evidence.flaws, *found]))
    objections = _bounded(every)
    if not objections:
        return Decision(allowed=True, objections=(), proven=proven(evidence))
    if override is not None and override.covers(evidence.digest, every, now):
        return Decision(allowed=True, objections=objections, proven=proven(evidence), overridden=override.people)
    return Decision(allowed=False, objections=objections, proven=proven(evidence))


def _found(policy: GatePolicy | None, evidence: Evidence, now: datetime) -> tuple[Objection, ...]:
    """Give what the evidence says against a build; of what nobody could look at, that alone."""
    if policy is None:
        return (_NO_GATE,)
    return unproven(policy, evidence, now) if evidence.unseen is None else (evidence.unseen,)


def _bounded(objections: tuple[Objection, ...]) -> tuple[Objection, ...]:
    """Give as many objections as anybody reads, and how many more there are."""
    if len(objections) <= _MOST_OBJECTIONS:
        return objections
    kept, more = objections[:_MOST_OBJECTIONS], len(objections) - _MOST_OBJECTIONS
    return (*kept, Objection(objections[-1].obstacle, f"and {more} more objections"))


def unproven(policy: GatePolicy, evidence: Evidence, now: datetime) -> tuple[Objection, ...]:
    """Give what a policy asks for and the evidence does not prove.

    What is not asked for is looked at all the same where it can only speak against a build, and never for it.
    Forbidden components come last: they may be many, and must not hide what else is wrong.
    """
    found = [*_sboms(policy, evidence), *_provenances(policy, evidence, now), *_banned(policy, evidence.sboms)]
    return (*(_signatures(policy, evidence) if policy.signature else ()), *found)


def proven(evidence: Evidence) -> tuple[str, ...]:
    """Say what is in order, for whoever reads why a deploy was allowed."""
    signed = [f"signed by {each.by}" for each in evidence.signatures if _counts(each, evidence)]
    listed = [
        f"made of {len(each.components)} component{'s' if len(each.components) > 1 else ''}, as {each.by} says"
        for each in evidence.sboms
        if _counts(each, evidence)
    ]
    built = [_built(each) for each in evidence.provenances if _counts(each, evidence)]
    return tuple(dict.fromkeys([*signed, *built, *listed]))


def _built(provenance: Provenance) -> str:
    at = f" at {provenance.built_at:%Y-%m-%d %H:%M} UTC" if provenance.built_at else ""
    return f"built by {provenance.builder[:_LONGEST] or 'nobody named'}{at}"


def _signatures(policy: GatePolicy, evidence: Evidence) -> Iterator[Objection]:
    """One signature that is trusted and carries the marks is enough; without one, say what is wrong with each."""
    counting = [each for each in evidence.signatures if _counts(each, evidence)]
    if any(set(policy.marks) <= set(each.marks) for each in counting):
        return
    if counting:
        wanted = ", ".join(f"{key}={value}" for key, value in policy.marks)
        yield Objection(Obstacle.UNMARKED, f"no trusted signature is annotated with {wanted}")
        return
    if not evidence.signatures:
        yield Objection(Obstacle.UNSIGNED, f"no signature of {evidence.digest[:SHORT]} was sent")
    yield from (flaw for each in evidence.signatures for flaw in _flaws(each, evidence, "signature"))


def _sboms(policy: GatePolicy, evidence: Evidence) -> Iterator[Objection]:
    """Every bill of materials must be in order: it is read for what must not be in there, so none is passed over."""
    if policy.asks_sbom and not evidence.sboms:
        yield Objection(Obstacle.NO_SBOM, f"no bill of materials of {evidence.digest[:SHORT]} was sent")
    for each in evidence.sboms:
        yield from _flaws(each, evidence, "bill of materials")
        if not each.components:
            yield Objection(Obstacle.NO_SBOM, "a bill of materials names no component")


def _banned(policy: GatePolicy, sboms: Iterable[Sbom]) -> Iterator[Objection]:
    """Name each: one that was only counted would be let through by people who have not seen it."""
    parts = (part for each in sboms for part in (*each.about, *each.components))
    for part, rule in banned(policy.forbidden, parts):
        bound = f", where only {rule.below} and later may be" if rule.below else ""
        why = f": {rule.why}" if rule.why else ""
        yield Objection(Obstacle.FORBIDDEN, f"{part.words[:_LONGEST]} is in it{bound}{why}")


def _provenances(policy: GatePolicy, evidence: Evidence, now: datetime) -> Iterator[Objection]:
    """Where provenance is asked for, one must be trusted; and every trusted one must name a builder that may."""
    counting = [each for each in evidence.provenances if _counts(each, evidence)]
    if policy.asks_provenance and not counting:
        if not evidence.provenances:
            yield Objection(
                Obstacle.NO_PROVENANCE, f"nothing that was sent says how {evidence.digest[:SHORT]} was built"
            )
        yield from (flaw for each in evidence.provenances for flaw in _flaws(each, evidence, "provenance"))
    for each in counting:
        if policy.builders and not any(fnmatchcase(each.builder, builder) for builder in policy.builders):
            builder = each.builder[:_LONGEST] or "a builder that it does not name"
            yield Objection(Obstacle.WRONG_BUILDER, f"it was built by {builder}, who is not among the allowed builders")
        yield from _age(policy, each, now)


def _age(policy: GatePolicy, provenance: Provenance, now: datetime) -> Iterator[Objection]:
    at = provenance.built_at
    if policy.max_age_h is None:
        return
    if at is None:
        yield Objection(Obstacle.EXPIRED, "its provenance does not say when it was built")
    elif at > now + _SKEW:
        yield Objection(Obstacle.EXPIRED, f"it claims to be built at {at:%Y-%m-%d %H:%M} UTC, which is still to come")
    elif now - at > timedelta(hours=policy.max_age_h):
        yield Objection(
            Obstacle.EXPIRED, f"it was built at {at:%Y-%m-%d %H:%M} UTC, more than {policy.max_age_h:g} h ago"
        )


Proof = Signature | Provenance | Sbom


def _counts(proof: Proof, evidence: Evidence) -> bool:
    """Tell whether a proof is somebody's who is trusted, and about this artifact."""
    return proof.flaw is None and bool(proof.by) and evidence.digest in proof.digests


def _flaws(proof: Proof, evidence: Evidence, what: str) -> Iterator[Objection]:
    """Say why a proof does not count."""
    if proof.flaw is not None:
        yield proof.flaw
    elif not proof.by:
        yield Objection(Obstacle.UNTRUSTED, f"a {what} is signed by nobody who is trusted")
    elif not proof.digests:
        yield Objection(Obstacle.REPLAYED, f"a {what} by {proof.by} does not say of which artifact it is")
    elif evidence.digest not in proof.digests:
        other = proof.digests[0][:SHORT]
        yield Objection(Obstacle.REPLAYED, f"a {what} by {proof.by} is of another artifact: {other}")


_NO_GATE = Objection(Obstacle.NO_GATE, "the configuration has no [services.gate] that says what a deploy has to prove")
