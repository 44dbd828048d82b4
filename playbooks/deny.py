"""Record a deploy that the gate could not even look at; the webhook asks for it, nobody else has to."""

from pydantic import field_validator

from bot.engine import ApprovalRefused, Deploy, Field, Keyed, Params, Playbook, Rest, Tools, gates


class Deny(Params):
    """What was wrong with what was sent, as the word for it and a sentence; and what of it could be read."""

    obstacle: Keyed
    service: Keyed = ""
    release: Keyed = ""
    digest: Keyed = ""
    commit: Keyed = ""
    by: Keyed = Field("", max_length=100)
    text: Rest = Field("", max_length=500)

    @field_validator("obstacle")
    @classmethod
    def _is_a_word_of_the_gate(cls, obstacle: str) -> str:
        if obstacle not in list(gates.Obstacle):
            raise ValueError(f"the gate's words are {', '.join(gates.Obstacle)}")
        return obstacle


playbook = Playbook("deny", "Record a deploy that the gate could not look at.", Deny, quiet=True)


@playbook.step("Record it")
async def record(tools: Tools, params: Deny) -> gates.TurnedAway:
    """Put it where denials are: by its service and release where they are known."""
    if params.service:
        tools.service(params.service)
    deploy = Deploy(params.service, params.release, tools.now(), params.by, params.commit)
    objection = gates.Objection(gates.Obstacle(params.obstacle), params.text)
    return await gates.turn_away(tools, deploy, params.digest, objection)


@playbook.step("Let it through")
async def tell(tools: Tools, params: Deny, away: gates.TurnedAway) -> None:
    """Tell the channel, and end the run as one that was refused."""
    await gates.tell_turned_away(tools, away, params.service)
    raise ApprovalRefused(f"{away.name or 'A deploy'} is denied: {away.reason}.")
