"""What a checksum database says, by our own code and by the real go: genuine, poisoned, forked, unknown, silent."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.audits.archives import zip_h1
from bot.adapters.audits.module_cache import folder_h1
from bot.adapters.audits.sumdb import SumDatabase, Verified
from bot.domain.sumdb.source import read_source
from tests.gomodules.go import Go
from tests.gomodules.log import Log
from tests.gomodules.server import Module, Town, serving

pytestmark = [pytest.mark.go, pytest.mark.timeout(600)]
MONEY = Module("example.com/Money", "v1.2.0", {"money.go": "package money\n\nfunc Cents(n int) int { return n }\n"})
POISON = replace(MONEY, files={"money.go": "package money\n\nfunc Cents(n int) int { return n + 1 }\n"})
NAME = "example.com/Money@v1.2.0"


@pytest.fixture
def town() -> Town:
    made = Town(Log())
    made.log.fill(300)
    made.publish(MONEY)
    made.log.fill(20)
    return made


@pytest.fixture
def address(town: Town) -> Iterator[str]:
    with serving(town) as given:
        yield given


@pytest.fixture
def go(town: Town, address: str, tmp_path: Path) -> Go:
    return Go(tmp_path, address, f"{town.log.key} {address}")


def database(address: str, key: str, folder: Path, wait_s: float = 20.0) -> SumDatabase:
    source = read_source(f"{key} {address}")
    assert source is not None
    return SumDatabase(source, folder, wait_s=wait_s)


async def verified(address: str, town: Town, folder: Path, *more: str) -> Verified:
    wanted = [name.rpartition("@")[::2] for name in (NAME, *more)]
    return await database(address, town.log.key, folder).verify(wanted)


async def test_what_is_genuine_is_proven_and_go_agrees(town: Town, address: str, go: Go, tmp_path: Path) -> None:
    told = go.download(NAME)
    found = await verified(address, town, tmp_path)

    assert "Error" not in told
    assert found.sums == {NAME: (told["Sum"],), f"{NAME}/go.mod": (told["GoModSum"],)}
    assert (found.size, found.refused, found.unknown, found.unanswered) == (321, (), {}, {})
    archive = io.BytesIO(Path(told["Zip"]).read_bytes())  # noqa: ASYNC240 - a file of the test
    assert zip_h1(archive, "example.com/Money", "v1.2.0") == told["Sum"]
    assert folder_h1(Path(told["Dir"]), "example.com/Money", "v1.2.0") == told["Sum"]


async def test_a_proxy_that_serves_another_archive_is_found_out(
    town: Town, address: str, go: Go, tmp_path: Path
) -> None:
    town.served[NAME] = POISON
    refused, accepted = go.download(NAME), go.download(NAME, GONOSUMDB="*")
    found = await verified(address, town, tmp_path)

    assert "SECURITY ERROR" in refused["Error"]
    assert accepted["Sum"] == POISON.sum
    assert found.sums[NAME] == (MONEY.sum,)


async def test_a_bad_signature_proves_nothing(town: Town, address: str, go: Go, tmp_path: Path) -> None:
    town.log.spoiled = True
    found = await verified(address, town, tmp_path)

    assert "Error" in go.download(NAME)
    assert found == Verified(refused=(f"{NAME}: its tree head is refused: the signature of sums.example on it is bad",))


async def test_a_record_that_is_not_in_the_tree_proves_nothing(
    town: Town, address: str, go: Go, tmp_path: Path
) -> None:
    town.log.lies[NAME] = f"{NAME.replace('@', ' ')} {POISON.sum}\n".encode()
    found = await verified(address, town, tmp_path)

    assert "Error" in go.download(NAME)
    assert found.sums == {}
    assert found.refused == (f"{NAME}: record 300 is not the one that the tree of 321 was signed over",)


async def test_a_rewritten_history_is_found_out_by_the_head_that_is_remembered(
    town: Town, address: str, go: Go, tmp_path: Path
) -> None:
    town.publish(replace(MONEY, version="v1.3.0"))
    await verified(address, town, tmp_path)
    assert "Error" not in go.download(NAME)
    town.log.forge(300, f"{NAME.replace('@', ' ')} {POISON.sum}\n".encode())
    town.log.fill(7)
    found = await verified(address, town, tmp_path)

    assert found.sums == {}
    assert found.refused == ("the tree of 329 is not the tree of 322 grown: the log was rewritten",)
    assert "SECURITY ERROR" in go.download("example.com/Money@v1.3.0")["Error"]
    assert (await verified(address, town, tmp_path / "elsewhere")).sums[NAME] == (POISON.sum,)


async def test_a_log_that_grew_is_believed_and_its_new_head_remembered(
    town: Town, address: str, tmp_path: Path
) -> None:
    assert (await verified(address, town, tmp_path)).size == 321
    town.log.fill(500)
    assert (await verified(address, town, tmp_path)).size == 821
    town.log.hidden = 400  # an older head, as from a replica that lags
    assert (await verified(address, town, tmp_path)).sums[NAME] == (MONEY.sum,)


async def test_a_private_module_has_no_record(town: Town, address: str, go: Go, tmp_path: Path) -> None:
    secret = "git.example.com/team/secret@v1.0.0"
    town.served[secret] = Module("git.example.com/team/secret", "v1.0.0", {"s.go": "package secret\n"})
    found = await verified(address, town, tmp_path, secret)

    assert f"/lookup/{secret}: 404 Not Found" in go.download(secret)["Error"]
    assert "Error" not in go.download(secret, GONOSUMDB="git.example.com/team")
    assert found.unknown == {secret: "not found: no such module"}
    assert found.sums[NAME] == (MONEY.sum,)


async def test_full_tiles_do_where_parts_of_them_are_gone(town: Town, address: str, tmp_path: Path) -> None:
    town.log.drops_parts = True
    town.log.fill(512 - 321)
    town.log.hidden = 202  # the head is of 310 records, and two full tiles exist

    assert (await verified(address, town, tmp_path)).sums[NAME] == (MONEY.sum,)


@pytest.mark.parametrize("status", [500, 302])
async def test_a_database_that_does_not_answer_decides_nothing(
    town: Town, address: str, tmp_path: Path, status: int
) -> None:
    town.broken = status

    assert await verified(address, town, tmp_path) == Verified(unanswered={NAME: f"it answers {status}"})


async def test_nobody_there_decides_nothing(town: Town, tmp_path: Path) -> None:
    found = await verified("http://127.0.0.1:1", town, tmp_path)

    assert found.sums == {}
    assert "does not answer" in found.unanswered[NAME]


async def test_one_that_takes_too_long_decides_nothing(town: Town, address: str, tmp_path: Path) -> None:
    slow = database(address, town.log.key, tmp_path, wait_s=0.0)

    assert (await slow.verify([("example.com/Money", "v1.2.0")])).unanswered == {NAME: "it did not tell in 0 s"}
