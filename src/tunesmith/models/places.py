"""Where in an encoder something can be put beside a weight: its linear maps and norms by what they are for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from torch import nn

Role: TypeAlias = Literal[
    "query", "key", "value", "qkv", "attention_out", "attention_norm", "grow", "shrink", "output_norm"
]
"""What a module of a layer does; ``qkv`` where queries, keys and values are one map in transformers too."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one module of transformers is in ours: a module, or some of its outputs where several are one."""

    name: str
    """Of the module in transformers' ``AutoModel``."""
    role: Role
    n_outputs: int


@dataclass(frozen=True, slots=True)
class Place:
    """A module of an encoder that can be replaced, and the parts it is made of, in the order of its outputs."""

    parent: nn.Module
    attribute: str
    parts: tuple[Part, ...]

    @property
    def module(self) -> nn.Module:
        """What is there now."""
        found: nn.Module = getattr(self.parent, self.attribute)
        return found

    def put(self, module: nn.Module) -> None:
        """Replace it.

        Args:
            module: Does at first what the one before did.
        """
        setattr(self.parent, self.attribute, module)


def with_roles(places: Iterable[Place], roles: Iterable[Role]) -> list[Place]:
    """Choose places by what they are for.

    Args:
        places: Of an encoder.
        roles: Wanted.

    Returns:
        Those with a part of one of these roles.
    """
    wanted = set(roles)
    return [place for place in places if any(part.role in wanted for part in place.parts)]
