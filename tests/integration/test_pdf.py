"""PDFs, printed for real: what is in the document is in them, and nothing is loaded from elsewhere."""

import io
import re
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pypdf
import pytest

from bot.adapters.documents import MarkdownDocuments
from bot.adapters.pdf.printer import ChildPrinter
from bot.domain.errors import PrintFailed
from bot.domain.narrative import legible
from bot.domain.timeline import Kind
from tests.unit.web.hostile import WORDS
from tests.unit.web.story import opened

LONG = 100
ACTING = {"/AA", "/AcroForm", "/EmbeddedFiles", "/F", "/JavaScript", "/JS", "/OpenAction", "/XFA"}
"""What of a PDF acts when it is opened, holds or names another file, or is a form."""
HEAD = '<!doctype html><meta charset="utf-8"><title>INC-7</title>'


def text_of(printed: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(printed)).pages)


def bare(text: str) -> str:
    """Give text without what a line break or a font may take or add."""
    return re.sub(r"[\s\u200b\u200d\u2060\ufeff]+", "", text)


def parts_of(printed: bytes) -> Iterator[tuple[str, Any]]:
    """Give every key that a reader of a PDF comes to, with its value."""
    seen: set[int] = set()
    waiting: list[Any] = [pypdf.PdfReader(io.BytesIO(printed)).trailer]
    while waiting:
        one: Any = waiting.pop()
        if isinstance(one, pypdf.generic.IndirectObject):
            number = one.idnum
            one = None if number in seen else one.get_object()
            seen.add(number)
        if isinstance(one, dict):
            yield from one.items()
        waiting += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()


@pytest.fixture(name="elsewhere")
def _elsewhere() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


async def test_it_holds_words_and_pictures_and_loads_nothing(elsewhere: tuple[str, list[str]], tmp_path: Path) -> None:
    address, asked = elsewhere
    (tmp_path / "secret.txt").write_text("hidden-words")
    html = (
        f'{HEAD}<link rel="stylesheet" href="{address}/a.css"><style>@import url("{address}/b.css");'
        f'body {{ background: url("{address}/c.png") }}</style><h1>checkout 5xx, שלום</h1>'
        f'<img src="{address}/d.png"><img src="file://{tmp_path}/secret.txt"><iframe src="{address}/e"></iframe>'
        f'<svg viewBox="0 0 9 9" width="99"><rect width="9" height="9"/><text y="5">drawn</text></svg>'
        f'<script>document.write("ran")</script><p>after</p>'
    )
    said = text_of(await ChildPrinter().pdf(html))
    for words in ("checkout 5xx", "drawn", "after"):
        assert words in said
    assert "hidden-words" not in said
    assert not asked


async def test_hostile_words_are_words_in_it_and_do_nothing(elsewhere: tuple[str, list[str]]) -> None:
    address, asked = elsewhere
    words = [each for each in WORDS if len(each) < LONG]
    words += [f"<img src='{address}/a'>", f"![x]({address}/b)", f"<style>@import url({address}/c)</style>"]
    story, documents = opened(title=words[0]), MarkdownDocuments("https://bot.example")
    for number, word in enumerate(words, 1):
        story.tell(Kind.ACTION, item=number, text=word, person="U6", name=word)
    # Only what people write as their text leads where it says, and is loaded by nobody either.
    meant = "\n\n".join(words).replace("evil.example", "meant.example").replace(address, "https://meant.example")
    story.tell(Kind.POSTMORTEM_TEXT, section="cause", text=meant)
    html = documents.file(words[0], documents.postmortem(story.incident, story.entries))
    printed = await ChildPrinter().pdf(html)
    said, parts = bare(text_of(printed)), list(parts_of(printed))
    assert [word for word in words if bare(legible(word)) not in said] == []
    assert [key for key, _ in parts if key in ACTING] == []
    assert {value for key, value in parts if key == "/S"} == {"/Transparency", "/URI"}
    assert {urlsplit(value)[:2] for key, value in parts if key == "/URI"} == {
        ("https", "bot.example"),
        ("https", "meant.example"),
    }
    assert not asked


async def test_what_takes_too_long_is_ended_and_said() -> None:
    many = HEAD + "<table>" + "<tr><td>x<td>y" * 20_000
    with pytest.raises(PrintFailed, match=r"not printed within 0 s\. Take the HTML"):
        await ChildPrinter(most_s=0.3).pdf(many)
    with pytest.raises(PrintFailed, match="too long to be printed"):
        await ChildPrinter().pdf("x" * 8_000_001)


async def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "weasyprint.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{':'.join(filter(None, sys.path))}")
    with pytest.raises(PrintFailed, match=r"pip install 'firstfive\[pdf\]'"):
        await ChildPrinter().pdf(HEAD)
    (tmp_path / "weasyprint.py").write_text("raise OSError('cannot load library libpango')")
    with pytest.raises(PrintFailed, match="apt install"):
        await ChildPrinter().pdf(HEAD)
