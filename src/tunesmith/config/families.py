"""Families: folders whose files are members chosen by name.

A member is a module with a frozen ``Options(Settings)`` and a ``build``; this module knows members only by name and
options, and imports one when it is first asked for.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from tunesmith.config.settings import Settings, nearest, validated
from tunesmith.errors import ConfigError, shown_value


class Family:
    """The members of one folder: one file each, found by its name, imported when first asked for.

    Args:
        kind: What a member is called in messages, for example ``"loss"``.
        package: ``__name__`` of the folder's package.
        path: ``__path__`` of the folder's package.
    """

    def __init__(self, kind: str, package: str, path: Iterable[str]) -> None:
        self.kind = kind
        self._package = package
        self._path = list(path)
        self._names: tuple[str, ...] | None = None

    def names(self) -> tuple[str, ...]:
        """List the members without importing any; the folder is read once.

        Returns:
            Sorted names; files that begin with an underscore are not members.
        """
        if self._names is None:
            found = (module.name for module in pkgutil.iter_modules(self._path))
            self._names = tuple(sorted(name for name in found if not name.startswith("_")))
        return self._names

    def member(self, name: str) -> ModuleType:
        """Import one member.

        Returns:
            Its module, which has ``Options`` and ``build``.

        Raises:
            ConfigError: No member has this name; the nearest is offered.
        """
        if name not in self.names():
            close = nearest(name, self.names())
            raise ConfigError(
                f"unknown-{self.kind}",
                f"there is no {self.kind} {shown_value(name)}",
                allowed=", ".join(self.names()),
                advice=f"did you mean {close!r}?" if close else None,
            )
        return importlib.import_module(f"{self._package}.{name}")

    def options(self, name: str, values: Mapping[str, Any] | None = None, *, where: str | None = None) -> Any:
        """Check a member's options.

        Args:
            name: The member.
            values: Plain values; absent keys take the member's defaults.
            where: Dotted path for messages; the member's name where left out.

        Returns:
            The member's frozen ``Options``.

        Raises:
            ConfigError: The member or one of the keys is unknown, or a value is out of range.
        """
        options: type[Settings] = self.member(name).Options
        return validated(options, values or {}, where=where or name, code="bad-option")
