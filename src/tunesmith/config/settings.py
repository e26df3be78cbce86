"""The base class of all settings: frozen, strict, every problem told at once; the text under a field is its help."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from tunesmith.errors import ConfigError, plural, shown_value


class Settings(BaseModel):
    """Base of every section of the recipe and of every member's options: frozen, strict, no unknown keys."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", use_attribute_docstrings=True)


S = TypeVar("S", bound=Settings)

_NEAR = 0.65
"""Of ``difflib``; its usual 0.6 takes "intnet" for "text"."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Find the known name that a mistyped one most likely meant.

    Args:
        name: As it was written.
        known: The right ones.

    Returns:
        The nearest name, or None where nothing is near.

    Example:
        >>> nearest("budgte", ["budget", "rungs"])
        'budget'
        >>> nearest("intnet", ["text", "label"])
    """
    by_folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=_NEAR)
    return by_folded[close[0]] if close else None


def problems_of(settings: type[Settings], values: Mapping[str, Any], *, where: str = "") -> list[str]:
    """Check values against a settings class and tell every problem at once.

    Args:
        settings: The class whose fields are the allowed keys.
        values: Plain values as read from a file or flags.
        where: Dotted path put before each key.

    Returns:
        One sentence a problem: unknown keys with the nearest known one, wrong types, values out of range.

    Example:
        >>> class Example(Settings):
        ...     epochs: int = 1
        >>> problems_of(Example, {"epoch": 2}, where="train")
        ['train.epoch is not a known key; nearest: train.epochs']
    """
    prefix = f"{where}." if where else ""
    try:
        settings.model_validate(values)
    except ValidationError as error:
        told = []
        for problem in error.errors():
            parts = [str(part) for part in problem["loc"]]
            path = prefix + ".".join(parts)
            if problem["type"] == "extra_forbidden":
                known = nearest(parts[-1], _fields_at(settings, parts[:-1]))
                hint = f"; nearest: {prefix}{'.'.join([*parts[:-1], known])}" if known else ""
                told.append(f"{path} is not a known key{hint}")
            else:
                message = problem["msg"][0].lower() + problem["msg"][1:]
                told.append(f"{path} = {shown_value(problem['input'])}: {message}")
        return told
    return []


def _fields_at(settings: type[Settings], parts: list[str]) -> list[str]:
    """Names of the fields of the section that ``parts`` leads to."""
    here: Any = settings
    for part in parts:
        field = here.model_fields.get(part) if isinstance(here, type) and issubclass(here, BaseModel) else None
        here = field.annotation if field is not None else None
    return list(here.model_fields) if isinstance(here, type) and issubclass(here, BaseModel) else []


def validated(settings: type[S], values: Mapping[str, Any], *, where: str = "", code: str = "bad-setting") -> S:
    """Build settings from plain values, or tell all that is wrong with them in one error.

    Args:
        settings: The class to build.
        values: As read from a file or flags.
        where: Dotted path put before each key in messages.
        code: Stable code of the error.

    Returns:
        The frozen settings.

    Raises:
        ConfigError: Some key is unknown or some value is out of range; every problem is listed.
    """
    told = problems_of(settings, values, where=where)
    if told:
        raise refusal(told, code=code)
    return settings.model_validate(values)


def refusal(problems: list[str], *, code: str = "bad-setting") -> ConfigError:
    """Make one error out of all problems found in settings.

    Args:
        problems: One sentence each, at least one.
        code: Stable code of the error.

    Returns:
        The error, to be raised by the caller.
    """
    count = plural(len(problems), "one setting is wrong", f"{len(problems)} settings are wrong")
    return ConfigError(
        code,
        count,
        found="; ".join(problems),
        advice="correct the flag, the --set or the line of the recipe named here",
    )
