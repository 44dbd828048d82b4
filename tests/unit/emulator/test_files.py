from dataclasses import replace

from bot.emulator.files import StoredFile

FILE = StoredFile("F1", "dump.txt", "Dump", "U1", 0, "http://127.0.0.1:1", size=5, content=b"hello")


def test_text_has_a_preview_and_bytes_have_none() -> None:
    assert FILE.payload()["preview"] == "hello"
    assert "preview" not in replace(FILE, content=b"\x1f\x8b\x00\xff").payload()


def test_a_character_cut_in_two_by_the_preview_is_still_text() -> None:
    assert replace(FILE, content=b"x" * 4095 + "ü".encode()).is_text


def test_a_name_cannot_leave_its_address() -> None:
    assert replace(FILE, name="../../etc/passwd").payload()["url_private"].endswith("/F1/..%2F..%2Fetc%2Fpasswd")
