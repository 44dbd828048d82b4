"""`firstfive ...` without the second that a process of its own takes to start."""

from typer.testing import CliRunner, Result

from bot.cli import app


def firstfive(*words: str, **environment: str) -> Result:
    """Run a command line here, in this thread; not on a running event loop."""
    return CliRunner().invoke(app, words, env=environment)
