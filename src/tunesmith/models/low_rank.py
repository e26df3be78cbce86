"""A product of two narrow matrices beside a linear map: what LoRA and AdaLoRA learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from tunesmith.models.added import Added
from tunesmith.models.places import Part, Place


class LowRank(Added):
    """``x A^T E B^T`` times a factor, for each part of a linear map that has one; E is diagonal, or left out.

    Args:
        parts: Of the linear map, in the order of its outputs.
        ranks: Rank by the name of a part; those without one stay as they are.
        n_inputs: Of the linear map.
        scale: The factor.
        dropout: Share of the inputs that is left out in training.
        has_values: Whether there is an E.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        ranks: Mapping[str, int],
        *,
        n_inputs: int,
        scale: float,
        dropout: float,
        has_values: bool,
    ) -> None:
        super().__init__()
        self.parts = tuple(parts)
        self.scale = scale
        self.dropout = dropout
        mine = [(str(number), part) for number, part in enumerate(parts) if part.name in ranks]
        self.A = nn.ParameterDict({key: torch.zeros(ranks[part.name], n_inputs) for key, part in mine})
        self.B = nn.ParameterDict({key: torch.zeros(part.n_outputs, ranks[part.name]) for key, part in mine})
        self.E = nn.ParameterDict({key: torch.zeros(ranks[part.name], 1) for key, part in mine} if has_values else {})

    def forward(self, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Map, and add what was learnt.

        Args:
            inputs: ``[..., I]``.
            weight: Of the linear map, which does not learn, ``[O, I]``.
            bias: Of the linear map, which does not learn, ``[O]``.

        Returns:
            ``[..., O]``.
        """
        narrow, wide = self._factors()
        flat = inputs.reshape(-1, inputs.shape[-1])
        if torch.is_autocast_enabled(flat.device.type):  # which knows nothing of passes that are ours
            dropped = functional.dropout(flat, self.dropout, self.training)
            outputs = functional.linear(flat, weight, bias) + self.scale * (dropped @ narrow.T) @ wide.T
        elif self.dropout and self.training:
            dropped = functional.dropout(flat, self.dropout)
            outputs = functional.linear(flat, weight, bias).addmm_(dropped @ narrow.T, wide.T, alpha=self.scale)
        else:
            outputs = _Sum.apply(flat, (weight, bias, self.scale), narrow, wide)  # type: ignore[no-untyped-call]
        return outputs.view(*inputs.shape[:-1], -1)

    def merged(self, weight: Tensor) -> Tensor:
        """Add the product to the weight.

        Args:
            weight: Of the linear map, ``[O, I]``.

        Returns:
            ``[O, I]``, detached.
        """
        with torch.no_grad(), torch.autocast(weight.device.type, enabled=False):
            narrow, wide = self._factors()
            return weight.detach() + self.scale * (wide @ narrow)

    def tensors(self) -> dict[str, Tensor]:
        """Give the factors of each part.

        Returns:
            ``NAME.lora_A.weight`` ``[r, I]`` and ``NAME.lora_B.weight`` ``[O, r]``; with a diagonal ``NAME.lora_A``,
            ``NAME.lora_B`` and ``NAME.lora_E`` ``[r, 1]``: as PEFT names both forms.
        """
        names = {key: self.parts[int(key)].name for key in self.A}
        kind = "" if self.E else ".weight"
        return {
            **{f"{name}.lora_A{kind}": self.A[key] for key, name in names.items()},
            **{f"{name}.lora_B{kind}": self.B[key] for key, name in names.items()},
            **{f"{name}.lora_E": self.E[key] for key, name in names.items() if self.E},
        }

    def _factors(self) -> tuple[Tensor, Tensor]:
        """All parts as one product: ``[R, I]`` with E worked in, and ``[O, R]`` with zeros between the parts."""
        narrow = [self.A[key] * self.E[key] if key in self.E else self.A[key] for key in self.A]
        if len(self.parts) == 1:
            return narrow[0], self.B["0"]
        wide = [
            self.B[str(number)] if str(number) in self.B else narrow[0].new_zeros(part.n_outputs, 0)
            for number, part in enumerate(self.parts)
        ]
        return torch.cat(narrow), torch.block_diag(*wide)  # type: ignore[no-untyped-call]


P = TypeVar("P", bound=LowRank)


class LowRankLinear(nn.Linear):
    """A linear map with a low-rank product beside its weight, which it shares with the map that was there.

    Args:
        linear: What was there.
        added: Beside it.
    """

    def __init__(self, linear: nn.Linear, added: LowRank) -> None:
        nn.Module.__init__(self)  # the weights are there already
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        self.added = added

    def forward(self, inputs: Tensor) -> Tensor:
        """Map, and add what was learnt.

        Args:
            inputs: ``[..., I]``.

        Returns:
            ``[..., O]``.
        """
        outputs: Tensor = self.added(inputs, self.weight, self.bias)
        return outputs


class _Sum(torch.autograd.Function):
    """``x W^T + b + s (x A^T) B^T``; W, b and s are fixed.

    The gradient to x is made in one place, product upon product; autograd would make two matrices of the size of x and
    add them: on six layers of width 384 a step took 0.83 of a full one, and takes 0.79.
    """

    @staticmethod
    def forward(
        ctx: Any, inputs: Tensor, fixed: tuple[Tensor, Tensor | None, float], narrow: Tensor, wide: Tensor
    ) -> Tensor:
        weight, bias, scale = fixed
        inner = inputs @ narrow.T
        ctx.save_for_backward(inputs, weight, narrow, wide, inner)
        ctx.scale = scale
        return functional.linear(inputs, weight, bias).addmm_(inner, wide.T, alpha=scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, None, Tensor, Tensor]:
        inputs, weight, narrow, wide, inner = ctx.saved_tensors
        d_inner = (gradient @ wide).mul_(ctx.scale)
        d_inputs = (gradient @ weight).addmm_(d_inner, narrow) if ctx.needs_input_grad[0] else None
        return d_inputs, None, d_inner.T @ inputs, (gradient.T @ inner).mul_(ctx.scale)


def put_beside(
    place: Place,
    ranks: Mapping[str, int],
    *,
    scale: float,
    dropout: float,
    has_values: bool = False,
    kind: type[P],
) -> P:
    """Put a low-rank product beside the linear map at a place.

    Args:
        place: In an encoder.
        ranks: Rank by the name of a part.
        scale: Factor on the product.
        dropout: Share of the inputs that is left out in training.
        has_values: Whether there is a diagonal between the factors.
        kind: Of the product.

    Returns:
        What was put there; all its weights are 0.
    """
    linear = place.module
    if not isinstance(linear, nn.Linear):
        raise AssertionError(f"{place.attribute} is no linear map")
    added = kind(place.parts, ranks, n_inputs=linear.in_features, scale=scale, dropout=dropout, has_values=has_values)
    place.put(LowRankLinear(linear, added.to(linear.weight.device)))
    return added
