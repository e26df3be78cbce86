"""The command line: one file a command; each parses, calls the API and prints."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tunesmith.errors import TunesmithError

_INTERRUPTED = 130
"""What shells take for the end by Ctrl-C where there is nothing to resume."""


def main() -> None:
    """Run the command line and exit with the code of what happened."""
    _open_missing_streams()
    try:
        code = 0
        try:
            with _context(sys.argv[1:]) as context:
                context.command.invoke(context)
        except _exit() as ended:
            code = ended.exit_code
        sys.stdout.flush()
    except BrokenPipeError:  # nobody reads the rest
        code = 0
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except Exception as error:
        code = _report(error)
    _let_go_of_closed_streams()
    sys.exit(code)


def _context(arguments: list[str]) -> Any:
    """Make ready to run one command, without typer's own way of ending: it takes a closed pipe for a failure."""
    import typer

    from tunesmith.cli.app import app

    return typer.main.get_command(app).make_context("tunesmith", arguments or ["--help"])


def _exit() -> Any:
    """What a command raises to end with an exit code of its own, and the help once it is printed."""
    import typer

    return typer.Exit


def _usage_errors() -> Any:
    """The class of typer's complaints about flags and arguments, which typer offers under no name of its own."""
    import typer

    return typer.BadParameter.__base__


def _report(error: Exception) -> int:
    """Print an error as the user should see it and give its exit code."""
    if os.environ.get("TUNESMITH_DEBUG") == "1":
        import traceback

        traceback.print_exc()
    shown = _told(error)
    with suppress(OSError):  # nobody reads stderr any more; the exit code still tells
        sys.stderr.write(shown.render() + "\n")
    return shown.exit_code


def _told(error: Exception) -> TunesmithError:
    """Put what nobody foresaw into an error's five parts."""
    from tunesmith.errors import ConfigError, ResourceError, TunesmithError

    if isinstance(error, TunesmithError):
        return error
    if isinstance(error, _usage_errors()):
        told = error.format_message().rstrip(".")
        place = error.ctx.command_path if error.ctx else "tunesmith"
        return ConfigError("bad-usage", told[:1].lower() + told[1:], where=place, advice=f"see: {place} --help")
    if isinstance(error, OSError) and error.strerror:
        where = str(error.filename) if error.filename else None
        return ResourceError(
            "system-refuses",
            f"the operating system refuses: {error.strerror.lower()}",
            where=where,
            advice="check the disk, the rights and where the output goes; TUNESMITH_DEBUG=1 shows more",
        )
    return TunesmithError(
        "internal",
        f"{type(error).__name__}: {error}",
        advice="this is a bug of tunesmith; run again with TUNESMITH_DEBUG=1 and report what it prints",
    )


def _open_missing_streams() -> None:
    """Give a process that was started without stdout or stderr (``>&-``) one that leads nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123 - until the end


def _let_go_of_closed_streams() -> None:
    """Keep Python from complaining at its own end about a reader of our output that is gone."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with suppress(OSError):  # not every stream has a descriptor
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
