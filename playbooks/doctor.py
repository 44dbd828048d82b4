"""Look at everything FirstFive needs, as `firstfive doctor` does."""

from bot.engine import Params, Playbook, Reply, Tools


class Doctor(Params):
    """Nothing to say: everything is looked at."""


playbook = Playbook("doctor", "Check everything FirstFive needs, and say what mends it.", Doctor)

_SIGNS = {"fail": "✗", "warn": "!"}


@playbook.step("Look at everything")
async def examine(tools: Tools, params: Doctor) -> Reply:  # noqa: ARG001 - every step takes its params
    """Give a line for each thing that is not well, the worst first; what is well is counted."""
    checks = await tools.ports.checkup.checks()
    lines = [
        f"{sign} *{check.name}* {check.said}\n    Mend: {check.mend}"
        for state, sign in _SIGNS.items()
        for check in checks
        if check.state.value == state
    ]
    well = [check.name for check in checks if check.state.value not in _SIGNS]
    return Reply("\n".join([*lines, f"Well: {', '.join(well) or 'nothing'}."]))
