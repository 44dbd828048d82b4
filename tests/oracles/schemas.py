"""What the types of Slack's Node SDK say of blocks and views: JSON schemas, made of @slack/types from npm."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.oracles import npm
from tests.oracles.sent import Sent

PACKAGES = ("@slack/types@3.2.0", "ts-json-schema-generator@2.9.0", "ajv@8.20.0")
_SCRIPT = Path(__file__).parent / "node" / "schemas.mjs"
_PATIENCE_S = 120


def flaws(things: Sequence[Sent]) -> list[list[str]]:
    """Say of each thing what its schema refuses; they know fields and types, and no lengths."""
    node, folder = npm.node(), npm.packages(*PACKAGES)
    given = [
        {"shape": "Shown" if one.kind == "view" else "Blocks", "value": _value(one)}
        for one in things
        if one.kind != "label"
    ]
    done = subprocess.run(
        [node, str(_SCRIPT), str(folder)],
        input=json.dumps(given), capture_output=True, text=True, check=False, timeout=_PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers = iter(json.loads(done.stdout))
    return [[] if one.kind == "label" else next(answers) for one in things]


def _value(one: Sent) -> object:
    return one.body if one.kind == "view" else one.body.get("blocks", [])
