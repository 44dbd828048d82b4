"""PDFs, printed for real: what is in the document is in them, and nothing is loaded from elsewhere."""

import io
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pypdf
import pytest

from bot.adapters.pdf.printer import ChildPrinter
from bot.domain.errors import PrintFailed

HEAD = '<!doctype html><meta charset="utf-8"><title>INC-7</title>'


def text_of(printed: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(printed)).pages)


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
