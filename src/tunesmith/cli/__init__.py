"""The command line: one file a command; each parses, calls the API and prints."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line and exit with the code of what happened."""
    try:
        from tunesmith.cli.app import app

        app(standalone_mode=True)
    except SystemExit:
        raise
    except BrokenPipeError:
        # The reader of our output is gone; nothing is wrong. Python would complain once more when flushing at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        sys.exit(5)
    except Exception as error:
        sys.exit(_report(error))


def _report(error: Exception) -> int:
    """Print an error as the user should see it and give its exit code."""
    from tunesmith.errors import TunesmithError

    if os.environ.get("TUNESMITH_DEBUG") == "1":
        import traceback

        traceback.print_exc()
    if isinstance(error, TunesmithError):
        sys.stderr.write(error.render() + "\n")
        return error.exit_code
    shown = TunesmithError(
        "internal",
        f"{type(error).__name__}: {error}",
        advice="this is a bug of tunesmith; run again with TUNESMITH_DEBUG=1 and report what it prints",
    )
    sys.stderr.write(shown.render() + "\n")
    return shown.exit_code
