"""`firstfive doctor` asks the store of log lines whether it can be searched, and says what to correct if not."""

from pathlib import Path
from typing import Any

import pytest

from bot.doctor import Doctor
from bot.domain.checks import Check, State
from bot.settings import Settings
from tests.logstores import elasticsearch as es
from tests.logstores.loki import Loki
from tests.logstores.serving import Store, serving
from tests.logstores.shop import SECRET, as_loki, request

MEND = "correct [logs], or FIRSTFIVE_LOGS_TOKEN: docs/traces.md"


async def found(folder: Path, token: str = "", **logs: Any) -> list[Check]:
    """Give what is found about log lines, of an installation that has nothing else."""
    places = {"database_url": f"sqlite:///{folder}/firstfive.db", "artifacts_url": str(folder / "artifacts")}
    checks = await Doctor(Settings(**places, logs=logs, firstfive_logs_token=token)).checks()
    return [check for check in checks if check.name == "logs"]


def store_of(kind: str) -> Store:
    return Loki(as_loki(request())) if kind == "loki" else es.Elasticsearch(request())


@pytest.mark.parametrize(("kind", "where"), [("elasticsearch", "logs-*"), ("loki", '{service_name=~".+"}')])
async def test_a_store_is_asked_whether_it_can_be_searched(kind: str, where: str, tmp_path: Path) -> None:
    with serving(store_of(kind)) as url:
        (there,) = await found(tmp_path, store=kind, url=url)
    assert (there.state, there.said) == (State.OK, f"{where} of {url} can be searched")
    (gone,) = await found(tmp_path, store=kind, url=url)
    assert (gone.state, gone.mend) == (State.FAIL, MEND)
    assert gone.said.startswith(f"{url} cannot be asked: ")


async def test_a_store_that_does_not_let_in_is_told_of_without_the_token(tmp_path: Path) -> None:
    store = es.Elasticsearch(request())
    store.token = "right"
    with serving(store) as url:
        (check,) = await found(tmp_path, SECRET, store="elasticsearch", url=url)
    assert (check.state, check.mend) == (State.FAIL, MEND)
    assert check.said.startswith(f"{url} answered 401: missing authentication")
    assert SECRET not in check.said


async def test_an_index_that_is_not_there_is_told_of_and_without_a_store_nothing_is(tmp_path: Path) -> None:
    with serving(es.Elasticsearch(request(), index="audit-shop")) as url:
        (check,) = await found(tmp_path, store="elasticsearch", url=url)
    assert (check.state, check.said) == (State.FAIL, f"{url} has no index logs-*")
    assert await found(tmp_path) == []
