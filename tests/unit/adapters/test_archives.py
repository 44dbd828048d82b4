import io
import zipfile
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.audits import archives
from bot.adapters.audits.archives import zip_h1
from bot.domain.sumdb.dirhash import ModuleRefused, go_mod_h1, h1

PREFIX = "example.com/money@v1.2.0/"


def archive(files: dict[str, bytes], *, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", how) as out:
        for name, content in files.items():
            out.writestr(zipfile.ZipInfo(name), content, how)
    return made.getvalue()


def hashed(content: bytes) -> str:
    return zip_h1(io.BytesIO(content), "example.com/money", "v1.2.0")


def test_the_hash_of_go_itself() -> None:
    """`rsc.io/sampler v1.3.0/go.mod`, as every go.sum of Go's own tutorial has it."""
    content = b'module "rsc.io/sampler"\n\nrequire "golang.org/x/text" v0.0.0-20170915032832-14c0d48ead0c\n'

    assert go_mod_h1(content) == "h1:T1hPZKmBbMNahiBKFy5HrXp6adAjACjK9JXDnKaTXpA="


@settings(deadline=None, max_examples=30)
@given(st.dictionaries(st.text("abc/é.", min_size=1, max_size=6), st.binary(max_size=40), max_size=6), st.randoms())
def test_an_archive_hashes_like_its_files_in_any_order(files: dict[str, bytes], random: object) -> None:
    files = {PREFIX + name: content for name, content in files.items() if ".." not in name}
    shuffled = list(files.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a Random
    expected = h1((name.encode(), sha256(content).hexdigest()) for name, content in files.items())

    assert hashed(archive(dict(shuffled))) == expected == hashed(archive(files, how=zipfile.ZIP_STORED))


def test_one_changed_byte_is_another_module() -> None:
    good = {PREFIX + "go.mod": b"module example.com/money\n", PREFIX + "money.go": b"package money\n"}

    assert hashed(archive(good)) != hashed(archive({**good, PREFIX + "money.go": b"package monex\n"}))
    assert hashed(archive(good)) != hashed(archive({**good, PREFIX + "init.go": b""}))


@pytest.mark.parametrize(
    "name",
    ["go.mod", "example.com/money@v1.2.1/go.mod", PREFIX + "../x", PREFIX + "a\\b", "/etc/passwd", PREFIX + "a\nb"],
)
def test_a_name_that_no_module_has_is_refused(name: str) -> None:
    with pytest.raises(ModuleRefused):
        hashed(archive({name: b""}))


def test_two_files_of_one_name_are_refused() -> None:
    content = archive({PREFIX + "a.go": b"1", PREFIX + "b.go": b"2"}).replace(b"/b.go", b"/a.go")

    with pytest.raises(ModuleRefused, match="two files of one name"):
        hashed(content)


def test_a_bomb_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_CONTENT_BYTES", 3 << 20)
    with pytest.raises(ModuleRefused, match="unpacks to more than 3 MB"):
        hashed(archive({PREFIX + f"{at}": bytes(1 << 20) for at in range(4)}))


def test_a_name_that_is_not_utf8_is_hashed_as_its_bytes() -> None:
    content = archive({PREFIX + "e.go": b"1"}).replace(b"/e.go", b"/\x82.go")

    assert hashed(content) == h1([(PREFIX.encode() + b"\x82.go", sha256(b"1").hexdigest())])


@pytest.mark.parametrize("content", [b"", b"PK", archive({PREFIX + "a": b"x" * 100})[:60]])
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    with pytest.raises(ModuleRefused, match="cannot be read"):
        hashed(content)


def test_a_way_of_packing_that_go_cannot_read_is_refused() -> None:
    with pytest.raises(ModuleRefused, match="packed in a way"):
        hashed(archive({PREFIX + "a": b"x" * 100}, how=zipfile.ZIP_BZIP2))
