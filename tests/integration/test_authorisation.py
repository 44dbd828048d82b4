"""Who may ask what: every route of the application, by every role. A route that is not in the table fails."""

import re
from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio

from tests.roles import ROLES, SIGNED_IN, TOKENS, Roles, running_roles
from tests.ways import ways

pytestmark = pytest.mark.asyncio(loop_scope="module")

# PUBLIC: asks for a proof of its own, or tells nothing. DOOR: signs in and out. SHIPPED: a file of the product.
# PAGE: for whoever has signed in. EVIDENCE: for tokens too. FORM: changes something, with the seal of a page of ours.
# API: for whoever has signed in, and tokens. COMMAND: changes something; not for tokens that only read.
# What is about a private incident is there for those who take part in it only: {incident_id}, {run_id}.
TABLE = """
GET  /health/live PUBLIC
GET  /health/ready PUBLIC
GET  /metrics PUBLIC
GET  /healthz PUBLIC
GET  /health/build PUBLIC
POST /slack/events PUBLIC
GET  /slack/install PUBLIC
GET  /slack/oauth_redirect PUBLIC
POST /alerts/alertmanager PUBLIC
POST /alerts/grafana PUBLIC
POST /api/deploys PUBLIC
POST /gate PUBLIC
GET  /sign-in DOOR
GET  /sign-in/begin DOOR
GET  /sign-in/back DOOR
POST /sign-out DOOR
GET  /static/{name} SHIPPED
GET  /favicon.ico SHIPPED
GET  / PAGE
GET  /incidents/{incident_id} PAGE
GET  /incidents/{incident_id}/live PAGE
GET  /incidents/{incident_id}/postmortem PAGE
GET  /incidents/{incident_id}/postmortem.md PAGE
GET  /runs/{run_id}/targets/{target} PAGE
GET  /runs/{run_id}/trace PAGE
GET  /runs/{run_id}/targets/{target}/flames/{view}.svg PAGE
GET  /runs/{run_id}/targets/{target}/flames/{view} PAGE
GET  /incidents/{incident_id}/postmortem.html PAGE
GET  /incidents/{incident_id}/postmortem.pdf PAGE
GET  /incidents/{incident_id}/postmortem.json PAGE
GET  /incidents/{incident_id}/postmortem/history PAGE
GET  /incidents/{incident_id}/postmortem/edit/{section} PAGE
POST /incidents/{incident_id}/postmortem/edit/{section} FORM
POST /incidents/{incident_id}/postmortem/review FORM
POST /incidents/{incident_id}/postmortem/publish FORM
GET  /live PAGE
GET  /runs/{run_id} PAGE
GET  /measures PAGE
GET  /measures.csv PAGE
GET  /audit PAGE
GET  /audit/live PAGE
GET  /runs/{run_id}/live PAGE
GET  /declare PAGE
POST /declare FORM
GET  /incidents/{incident_id}/do/{verb} PAGE
POST /incidents/{incident_id}/do/{verb} FORM
GET  /approvals PAGE
GET  /approvals/live PAGE
GET  /approvals/{run_id} PAGE
GET  /approvals/{run_id}/live PAGE
POST /approvals/{run_id} FORM
GET  /drills PAGE
GET  /drills/live PAGE
GET  /artifacts/{sha256} EVIDENCE
GET  /services PAGE
GET  /services/{name} PAGE
GET  /services/{name}/live PAGE
GET  /settings PAGE
GET  /settings/tokens PAGE
POST /settings/tokens FORM
POST /settings/tokens/revoke FORM
GET  /api/v1/openapi.json API
GET  /api/v1/incidents API
GET  /api/v1/incidents/{incident_id} API
GET  /api/v1/incidents/{incident_id}/entries API
GET  /api/v1/incidents/{incident_id}/artifacts API
GET  /api/v1/incidents/{incident_id}/runs API
GET  /api/v1/incidents/{incident_id}/approvals API
GET  /api/v1/incidents/{incident_id}/postmortem API
GET  /api/v1/runs/{run_id} API
GET  /api/v1/approvals API
GET  /api/v1/approvals/{run_id} API
GET  /api/v1/services API
GET  /api/v1/services/{name} API
GET  /api/v1/drills API
GET  /api/v1/measures API
GET  /api/v1/audit API
POST /api/v1/commands COMMAND
"""
RULES = {(method, path): rule for method, path, rule in (line.split() for line in TABLE.split("\n") if line)}
FILLED = {"sha256": "0" * 64, "name": "firstfive.css", "target": "shop-1", "view": "cpu", "section": "luck"}
FILLED |= {"verb": "note"}
PRIVATE = re.compile(r"\{(incident_id|run_id)\}")
ANY, FOUND = {200, 400, 401, 403, 404, 405, 503}, {200, 404, 503}  # 503: it may be asked, and is not to be had now
EXPECTED: Mapping[str, tuple[set[int], ...]] = {  # signed out, signed in, by a token that reads, by one that commands
    "PUBLIC": (ANY, ANY, ANY, ANY),
    "SHIPPED": ({200}, {200}, {200}, {200}),
    "DOOR": ({200, 303, 400, 502}, {303, 400, 403, 502}, {403}, {403}),
    "PAGE": ({303}, FOUND, {403}, {403}),
    "EVIDENCE": ({303}, FOUND, FOUND, FOUND),
    "FORM": ({303}, {403}, {403}, {403}),
    "API": ({401}, FOUND, FOUND, FOUND),
    "COMMAND": ({401}, {400, 415, 422}, {403}, {400, 415, 422}),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def roles(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Roles]:
    async with running_roles(tmp_path_factory.mktemp("console")) as given:
        yield given


def kind(role: str) -> int:
    """Give the column of `EXPECTED`."""
    return 1 if role in SIGNED_IN else 2 + TOKENS.index(role) if role in TOKENS else 0


async def test_every_route_is_in_the_table(roles: Roles) -> None:
    there = {(method, path) for method, path in ways(roles.console.app) if method != "HEAD"}
    assert there - set(RULES) == set(), "say in TABLE who may ask it"
    assert set(RULES) - there == set(), "it is gone: take it out of TABLE"


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_ask_what(roles: Roles, role: str) -> None:
    wrong = []
    for (method, path), rule in RULES.items():
        wanted = EXPECTED[rule][kind(role)]
        if PRIVATE.search(path) and wanted == FOUND and role != "takes part":
            wanted = {404}
        headers = {"Accept": "*/*"} if rule in {"API", "COMMAND"} else {}
        answer = await roles.clients[role].request(method, path.format(**FILLED, **roles.private), headers=headers)
        if answer.status_code not in wanted:
            wrong.append(f"{method} {path}: {answer.status_code} {answer.text[:80]}")
    assert wrong == []


@pytest.mark.parametrize("role", [role for role in ROLES if role != "takes part"])
async def test_a_private_incident_is_on_no_page_of_others(roles: Roles, role: str) -> None:
    told = []
    for path in [path for method, path in RULES if method == "GET"]:
        answer = await roles.clients[role].get(path.format(**FILLED, **roles.private))
        told += [path] if "leaked keys" in answer.text else []
    assert told == []


async def test_it_is_on_those_of_who_takes_part(roles: Roles) -> None:
    paths = ("/", "/api/v1/incidents", "/api/v1/incidents/{incident_id}", "/incidents/{incident_id}", "/runs/{run_id}")
    answers = [await roles.clients["takes part"].get(path.format(**roles.private)) for path in paths]
    assert ["leaked keys" in answer.text for answer in answers] == [True] * len(paths)


@pytest.mark.parametrize("path", ["/slack/../", "/slack/..%2f", "/static/../settings/tokens", "/health/live/../../"])
async def test_no_other_spelling_of_a_path_goes_past_the_guard(roles: Roles, path: str) -> None:
    client = roles.clients["signed out"]
    request = client.build_request("GET", client.base_url.copy_with(raw_path=path.encode()))
    answer = await client.send(request)
    assert answer.status_code in {303, 404}
    assert "Incidents" not in answer.text
