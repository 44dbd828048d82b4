"""Where no collector is named, nothing of what records and sends spans is in the process that serves."""

import subprocess
import sys
from pathlib import Path

from tests.databases import fresh_sqlite

SERVED = """
import sys
from bot.main import create_app
from bot.settings import Settings
app = create_app(Settings(database_url=sys.argv[1], artifacts_url=sys.argv[2]))
print(*(name for name in sys.modules if name.startswith("opentelemetry.")), sep="\\n")
"""


def test_where_nothing_is_sent_nothing_of_it_is_loaded(tmp_path: Path) -> None:
    words = [sys.executable, "-c", SERVED, fresh_sqlite(tmp_path, "firstfive.db"), str(tmp_path / "artifacts")]
    loaded = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    assert "opentelemetry.trace" in loaded
    parts = ("opentelemetry.sdk", "opentelemetry.exporter", "opentelemetry.instrumentation", "opentelemetry.proto")
    assert [name for name in loaded if name.startswith(parts)] == []
