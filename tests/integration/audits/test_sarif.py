"""What `lint-logs --sarif` prints is what the standard asks for, of every rule, and of what could not be read."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.domain.audits.logs import RULES
from tests.cli import firstfive
from tests.integration.audits.test_logs import HEAD, PRINTS, write
from tests.oracles.sarif import flaws

ALL = f"""{HEAD}
func all(ctx context.Context, s shop) {{
	fmt.Println("a")
	fmt.Println("a")
	log.Print("b")
	slog.Info("c")
	slog.Info("d", "token", s.Token)
	fmt.Println("e") //firstfive:allow-print
}}
"""
Document = dict[str, Any]


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    folder = tmp_path_factory.mktemp("shop")
    sources: dict[str, str | bytes] = {
        "all.go": ALL,
        "odd (1)%/l\u00f6hne#.go": PRINTS,
        "big.go": PRINTS + "// " + "x" * 9_000_000,
    }
    told: Document = json.loads(firstfive("lint-logs", "--sarif", str(write(folder, sources))).stdout)
    return told


def test_it_is_as_the_standard_wants_it_for_every_rule(document: Document) -> None:
    assert flaws(document) == []
    (run,) = document["runs"]
    assert {result["ruleIndex"] for result in run["results"]} == set(range(len(RULES)))
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert "big.go" in notification["message"]["text"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda run: run["results"][0].update(ruleIndex=99), "rule 99 is not"),
        (lambda run: run["results"][0].update(level="risky"), "level"),
        (lambda run: run["results"][0]["locations"][0]["physicalLocation"]["region"].update(startLine=0), "startLine"),
        (lambda run: run["results"][0].pop("message"), "no message"),
        (lambda run: run["results"].append(run["results"][0]), "fingerprints"),
        (lambda run: run["tool"]["driver"].update(homepage="x"), "homepage is not known"),
    ],
)
def test_a_flaw_would_be_told(document: Document, spoil: Callable[[Document], None], said: str) -> None:
    spoilt = json.loads(json.dumps(document))
    spoil(spoilt["runs"][0])
    assert [flaw for flaw in flaws(spoilt) if said in flaw]
