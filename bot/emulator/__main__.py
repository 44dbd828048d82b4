"""Start a local Slack: `python -m bot.emulator --app-url http://127.0.0.1:8000/slack/events`."""

import argparse
import asyncio
import errno
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from bot.emulator.app import create_app
from bot.emulator.scopes import EVENTS, SCOPES
from bot.emulator.settings import (
    APP_TOKEN_PREFIX,
    CLIENT_SECRET_PREFIX,
    COMMANDS,
    CONFIG_TOKEN_PREFIX,
    TOKEN_PREFIX,
    Lab,
    Settings,
    Shortcut,
    SlashCommand,
    settings_problem,
)
from bot.emulator.town import Town

UNUSABLE = 2


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    options = argparse.ArgumentParser("python -m bot.emulator", description="A local Slack on loopback.")
    add = options.add_argument
    add("--port", type=int, default=4390, help="0 takes a free one (default: %(default)s)")
    add("--app-url", default="http://127.0.0.1:8000/slack/events", help="the app's request URL")
    add("--signing-secret", default=os.environ.get("SLACK_SIGNING_SECRET", ""), help="or SLACK_SIGNING_SECRET")
    add("--bot-token", default=_given("SLACK_BOT_TOKEN", TOKEN_PREFIX), help="or SLACK_BOT_TOKEN")
    add("--app-token", default=_given("SLACK_APP_TOKEN", APP_TOKEN_PREFIX), help="or SLACK_APP_TOKEN")
    add("--config-token", default=CONFIG_TOKEN_PREFIX + "1", help="the app configuration token (default: %(default)s)")
    add("--client-id", default=os.environ.get("SLACK_CLIENT_ID") or "1.2", help="the app's id; or SLACK_CLIENT_ID")
    add(
        "--client-secret",
        default=_given("SLACK_CLIENT_SECRET", CLIENT_SECRET_PREFIX, "secret"),
        help="its secret; or SLACK_CLIENT_SECRET",
    )
    add(
        "--redirect-url",
        action="append",
        default=[],
        metavar="URL",
        help="where OAuth may lead back (default: anywhere)",
    )
    add("--second-team", action="store_true", help="have another workspace, in which the app is not installed yet")
    add("--socket-mode", action="store_true", help="deliver over the app's WebSocket instead of HTTP")
    add("--app-name", default="FirstFive")
    add("--command", action="append", default=[], metavar="/NAME=HINT", help="a slash command the app has")
    add("--shortcut", action="append", default=[], metavar="CALLBACK_ID=TITLE", help="a message shortcut the app has")
    add("--scopes", metavar="A,B", help="the bot scopes the app has (default: every one)")
    add("--events", metavar="A,B", help="the events the app has subscribed to (default: every one)")
    add("--lab", action="append", default=[], metavar="NAME=URL", help="a target whose faults the page can switch")
    add("--ack-timeout", type=float, default=3.0, metavar="S", help="how long the app may take (default: %(default)s)")
    add("--file-processing", type=float, default=0.2, metavar="S", help="until a file shows (default: %(default)s)")
    add("--no-limits", action="store_true", help="start without rate limits")
    add("--exit-with-stdin", action="store_true", help="end when standard input ends, with the parent process")
    add("--log-level", default="warning", choices=["debug", "info", "warning", "error"])
    return options


def _given(variable: str, prefix: str, otherwise: str = "1") -> str:
    return os.environ.get(variable) or prefix + otherwise


def settings_from(options: argparse.Namespace) -> Settings:
    """Turn the command line into settings."""

    def pairs(values: Sequence[str]) -> list[tuple[str, str]]:
        return [(name, value) for name, _, value in (entry.partition("=") for entry in values)]

    def words(value: str) -> tuple[str, ...]:
        return tuple(word.strip() for word in value.split(",") if word.strip())

    return Settings(
        app_url=options.app_url,
        signing_secret=options.signing_secret,
        bot_token=options.bot_token,
        app_token=options.app_token,
        port=options.port,
        app_name=options.app_name,
        socket_mode=options.socket_mode,
        ack_timeout_s=options.ack_timeout,
        file_processing_s=options.file_processing,
        limits_on=not options.no_limits,
        labs=tuple(Lab(name, url) for name, url in pairs(options.lab)),
        commands=tuple(SlashCommand(name, hint) for name, hint in pairs(options.command)) or COMMANDS,
        shortcuts=tuple(Shortcut(name, title) for name, title in pairs(options.shortcut)),
        config_token=options.config_token,
        client_id=options.client_id,
        client_secret=options.client_secret,
        redirect_urls=tuple(options.redirect_url),
        second_team=options.second_team,
        scopes=SCOPES if options.scopes is None else words(options.scopes),
        events=tuple(EVENTS) if options.events is None else words(options.events),
    )


async def serve(settings: Settings, listening: socket.socket, *, exit_with_stdin: bool) -> None:
    """Serve until a signal or the end of standard input."""
    runner = web.AppRunner(create_app(Town(settings)), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    if exit_with_stdin:
        threading.Thread(target=_wait_for_end_of_stdin, args=(loop, stop), daemon=True).start()
    print(f"Slack is at {settings.base_url}/", flush=True)  # noqa: T201 - who starts us reads this line
    await stop.wait()
    await runner.cleanup()


def _wait_for_end_of_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(stop.set)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the emulator; return its exit code."""
    options = parser().parse_args(arguments)
    logging.basicConfig(level=options.log_level.upper(), format="%(levelname)s %(name)s: %(message)s")
    settings = settings_from(options)
    if problem := settings_problem(settings):
        print(problem, file=sys.stderr)  # noqa: T201 - this is a command line
        return UNUSABLE
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        print(f"Port {settings.port} {why}; name another with --port.", file=sys.stderr)  # noqa: T201
        return UNUSABLE
    settings = replace(settings, port=listening.getsockname()[1])
    asyncio.run(serve(settings, listening, exit_with_stdin=options.exit_with_stdin))
    return 0


if __name__ == "__main__":
    sys.exit(main())
