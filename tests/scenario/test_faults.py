"""Every fault of the lab at each size, and every healthy window, diagnosed on real processes: a sample of them.

How often the rules are right about services that they were not written beside is a figure, `make bench ARGS=accuracy`,
and no test: a rule must not be bent until one of them passes. All cases that were chosen run in one go before the first
of these tests, quiet ones beside each other.
"""

import pytest

from tests.grid.cases import Case, healthy_cases, sick_cases
from tests.grid.run import Outcome, run
from tests.grid.services import services

pytestmark = [pytest.mark.go, pytest.mark.timeout(14_400)]
LAB = "checkout"
SICK = list(sick_cases(LAB))
HEALTHY = list(healthy_cases(LAB))


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest) -> dict[Case, Outcome]:
    """Run the chosen cases; what went wrong once is looked at once more, as a person would."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    asked = [item.callspec.params.get("case") for item in items if "outcomes" in item.fixturenames]
    chosen = [case for case in asked if isinstance(case, Case)]
    first = {outcome.case: outcome for outcome in run(services(), chosen)}
    sick = [case for case, outcome in first.items() if case.expected and outcome.complaint]
    return first | {outcome.case: outcome for outcome in run(services(), sick)}


@pytest.mark.matrix(sample=1)
@pytest.mark.parametrize("case", SICK, ids=str)
def test_what_is_sick_is_named_where_it_is(outcomes: dict[Case, Outcome], case: Case) -> None:
    outcome = outcomes[case]

    assert outcome.complaint == "", f"{outcome.switches}: {outcome.said}"


@pytest.mark.matrix(sample=2)
@pytest.mark.parametrize("case", HEALTHY, ids=str)
def test_what_is_healthy_is_left_alone(outcomes: dict[Case, Outcome], case: Case) -> None:
    outcome = outcomes[case]

    assert outcome.complaint == "", f"{outcome.switches}: {outcome.said}"
