"""Say whether a build may be deployed, by what it proves; a denial is told, an override takes two people."""

from bot.engine import (
    ApprovalRefused,
    Deploy,
    Field,
    Keyed,
    Params,
    Playbook,
    ServiceName,
    Tools,
    gates,
)


class AskGate(Params):
    """Which release of a service is to be deployed, and the digest of its artifact; of which commit, by whom.

    `evidence`: what is shown of it, by the sha256 that it is kept under; `firstfive gate` and `POST /gate` keep it.
    """

    service: ServiceName
    release: gates.ReleaseName
    digest: gates.DigestName
    commit: gates.CommitName = ""
    by: Keyed = Field("", max_length=100)
    evidence: gates.KeptName = ""


playbook = Playbook("gate", "Say whether a build may be deployed, by what it proves.", AskGate, quiet=True)


@playbook.step("Decide")
async def decide(tools: Tools, params: AskGate) -> gates.Gated:
    """Verify what is shown, look at what holds deploys up, and record what comes of it."""
    service = tools.service(params.service)
    deploy = Deploy(service.name, params.release, tools.now(), params.by, params.commit, digest=params.digest)
    return await gates.pass_gate(tools, service, deploy, params.evidence)


@playbook.step("Let it through")
async def tell(tools: Tools, params: AskGate, gated: gates.Gated) -> gates.Gated:
    """Tell the channel of a denial, and end the run as one that was refused."""
    await gates.tell_denied(tools, tools.service(params.service), gated)
    if not gated.allowed:
        raise ApprovalRefused(gated.summary)
    return gated
