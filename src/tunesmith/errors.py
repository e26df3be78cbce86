"""The error tree: every problem a user can meet says what, where, found, allowed and what to try.

Each error carries a stable ``code`` (words joined by hyphens) and its class carries the exit code of the command line:
0 is never an error; 2 bad input or settings; 3 an artefact that cannot be trusted; 4 a resource or a gate; 5 stopped
and resumable; 70 anything else.
"""

from __future__ import annotations

import textwrap
from typing import Any

_MAX_LINES = 12
_MAX_WIDTH = 160
_MAX_QUOTE = 80
_BREAKS = "\t\n\v\f\r"
"""What wrapping makes a space of."""


class TunesmithError(Exception):
    """A problem told in five parts.

    Args:
        code: Stable name of the problem, lower-case words joined by hyphens; a page of the documentation.
        message: What is wrong, in one sentence without a full stop.
        where: File, row, column, key or path concerned.
        found: What was met there.
        allowed: What would have been accepted.
        advice: What to do next; printed after ``try``.

    Example:
        >>> error = TunesmithError("label-missing", "the label is empty", where="tickets.csv:48", advice="fill it")
        >>> print(error.render())
        error[label-missing]: tickets.csv:48: the label is empty
          try      fill it
    """

    exit_code = 70

    def __init__(
        self,
        code: str,
        message: str,
        *,
        where: str | None = None,
        found: str | None = None,
        allowed: str | None = None,
        advice: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.where = where
        self.found = found
        self.allowed = allowed
        self.advice = advice

    def __str__(self) -> str:
        return self.render()

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self), self.args, vars(self))  # to another process, as joblib's workers send it

    def render(self) -> str:
        """Lay the error out for a terminal, at most 12 lines; nothing in it can colour it or move its cursor.

        Returns:
            ``error[code]: where: message`` and one indented, wrapped paragraph for each part that is set.
        """
        place = f"{self.where}: " if self.where else ""
        first = _escaped(f"error[{self.code}]: {place}{self.message}", keep=_BREAKS)
        lines = textwrap.wrap(first, _MAX_WIDTH, break_on_hyphens=False)
        for name, part in (("found", self.found), ("allowed", self.allowed), ("try", self.advice)):
            if part:
                lines += textwrap.wrap(
                    _escaped(part, keep=_BREAKS),
                    _MAX_WIDTH,
                    initial_indent=f"  {name:<9}",
                    subsequent_indent=" " * 11,
                    break_on_hyphens=False,
                )
        if len(lines) > _MAX_LINES:
            lines = [*lines[: _MAX_LINES - 1], "           ..."]
        return "\n".join(lines)


class DataError(TunesmithError):
    """The user's data cannot be used as it is."""

    exit_code = 2


class ConfigError(TunesmithError):
    """A flag, a recipe key or a combination of them is wrong."""

    exit_code = 2


class ArtifactError(TunesmithError):
    """A model folder, checkpoint or base model is damaged, changed, unsafe or too new."""

    exit_code = 3


class ResourceError(TunesmithError):
    """Time, memory, disk or another resource did not suffice."""

    exit_code = 4


class GateError(TunesmithError):
    """A quality gate was missed, so nothing was written."""

    exit_code = 4


class Stopped(TunesmithError):
    """The run was stopped on purpose and can be resumed."""

    exit_code = 5


class ShapeError(TunesmithError):
    """Arrays of shapes that do not fit together met: a bug of the caller, not of the user.

    Args:
        message: Which shapes met, with their values.
    """

    def __init__(self, message: str) -> None:
        super().__init__("shape", message)


def _remade(kind: type[TunesmithError], args: tuple[Any, ...], state: dict[str, Any]) -> TunesmithError:
    """Make an error again as it was; its class may want other arguments than an exception keeps."""
    error = kind.__new__(kind, *args)
    vars(error).update(state)
    return error


def quote(text: str) -> str:
    r"""Show a piece of the user's text safely: one line, control characters escaped, at most 80 characters.

    Returns:
        The text between double quotes, shortened with an ellipsis where it was longer.

    Example:
        >>> quote("two" + chr(10) + "lines")
        '"two\\nlines"'
    """
    shown = text if len(text) <= _MAX_QUOTE else text[: _MAX_QUOTE - 1] + "…"
    return f'"{_escaped(shown)}"'


def shown_value(value: object) -> str:
    """Show a setting as Python writes it, in at most 80 characters.

    Returns:
        Its ``repr``, which is one line, shortened with an ellipsis where it was longer.

    Example:
        >>> shown_value("accuraci"), shown_value(-3)
        ("'accuraci'", '-3')
    """
    shown = repr(value)
    return shown if len(shown) <= _MAX_QUOTE else shown[: _MAX_QUOTE - 1] + "…"


def plural(count: float, one: str, many: str | None = None) -> str:
    """Choose the form of a word that goes with a number.

    Args:
        count: The number.
        one: The form that goes with 1.
        many: The form that goes with any other number; left out, ``one`` with an s.

    Returns:
        One of the two.

    Example:
        >>> plural(1, "row"), plural(0, "row"), plural(2, "class has", "classes have")
        ('row', 'rows', 'classes have')
    """
    if count == 1:
        return one
    return f"{one}s" if many is None else many


def counted(count: int, one: str, many: str | None = None) -> str:
    """Write a number with the words that go with it.

    Args:
        count: The number.
        one: What goes with 1.
        many: What goes with any other number; left out, ``one`` with an s.

    Returns:
        Both.

    Example:
        >>> counted(1, "row has", "rows have"), counted(12, "row")
        ('1 row has', '12 rows')
    """
    return f"{count} {plural(count, one, many)}"


def _escaped(text: str, *, keep: str = "") -> str:
    """Write what a terminal cannot or should not print as an escape, but for the characters to keep."""
    return "".join(
        char if char.isprintable() or char in keep else char.encode("unicode_escape").decode() for char in text
    )
