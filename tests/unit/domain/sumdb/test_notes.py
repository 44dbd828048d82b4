import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bot.domain.sumdb.notes import NoteRefused, opened, read_key
from tests.gomodules.log import Log

GO = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SIGNED = (
    TEXT
    + "\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2p"
    + "ZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
"""The example of golang.org/x/mod/sumdb/note."""
LOG = Log()


def check(key: bytes, signature: bytes, text: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except InvalidSignature:
        return False
    return True


def test_the_example_of_go_itself_is_opened() -> None:
    assert opened(SIGNED.encode(), read_key(PETER), check) == TEXT


def test_the_key_of_go_is_one() -> None:
    found = read_key(f" {GO}\n")

    assert (found.name, found.hash.hex(), len(found.public)) == ("sum.golang.org", "033de0ae", 32)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "sum.golang.org",
        GO.replace("033de0ae", "033de0af"),
        GO.replace("sum.", "sun."),
        GO.replace("033de0ae", "33de0ae"),
        GO[:-4],
        GO.replace("+Ac", "+Bc"),
        GO.replace("sum.golang", "sum golang"),
        GO + "!",
    ],
)
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(NoteRefused):
        read_key(key)


def test_signatures_of_others_are_passed_over() -> None:
    other = Log("other.example", b"x")
    both = LOG.signed("hello\n") + other.signed("hello\n").split(b"\n\n")[1]

    assert opened(both, read_key(LOG.key), check) == "hello\n"
    assert opened(both, read_key(other.key), check) == "hello\n"
    with pytest.raises(NoteRefused, match=r"not signed by sum\.golang\.org"):
        opened(both, read_key(GO), check)


def test_a_changed_text_is_refused() -> None:
    with pytest.raises(NoteRefused, match=r"the signature of sums\.example on it is bad"):
        opened(LOG.signed("hello\n").replace(b"hello", b"hellp"), read_key(LOG.key), check)


def test_the_same_name_with_another_key_is_not_the_owner() -> None:
    with pytest.raises(NoteRefused, match="not signed by"):
        opened(Log(secret=b"of a thief").signed("hello\n"), read_key(LOG.key), check)


GOOD = LOG.signed("hello\n")


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"hello\n",
        GOOD[:-1],
        GOOD.replace("\u2014 ".encode(), b"- "),
        GOOD.replace(b"hello", b"he\tllo"),
        GOOD.replace(b"hello", b"he\xffllo"),
        GOOD.replace(b"sums.example ", b"sums+example "),
        GOOD + b"\n\n",
        b"hello\n\n\xe2\x80\x94 sums.example AAAA\n",
        b"hello\n\n" + b"\xe2\x80\x94 sums.example AAAAAAAA\n" * 101,
        b"x" * 1_000_001 + GOOD,
    ],
)
def test_what_is_no_note_is_refused(note: bytes) -> None:
    with pytest.raises(NoteRefused, match="it "):
        opened(note, read_key(LOG.key), check)
