"""``dora``: LoRA that learns directions, and beside them how long each row of a weight is.

A linear map becomes ``m (W + s B A) / |W + s B A|``, the length of each row taken out of its gradient.

Source: Liu et al. 2024, equations 5 and 11; first weights as in PEFT.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from tunesmith.models.encoder import Encoder
from tunesmith.models.low_rank import LowRank, LowRankLinear
from tunesmith.models.methods import Method
from tunesmith.models.methods._targets import ProductOptions, fan_in_uniform, put_low_rank
from tunesmith.types import JSON

Options = ProductOptions

LEARNING_RATE = 2e-3
LAYER_DECAY = 0.9
LEAVES_BASE = True


class Decomposed(LowRank):
    """A low-rank product that turns the rows of a weight, beside the length that each is given.

    Args:
        parts: As for ``LowRank``.
        ranks: As for ``LowRank``.
        how: As for ``LowRank``.
    """

    def __init__(self, parts: Any, ranks: Mapping[str, int], **how: Any) -> None:
        super().__init__(parts, ranks, **how)
        self.m = nn.ParameterDict({key: torch.zeros(self.parts[int(key)].n_outputs) for key in self.A})

    def measure(self, weight: Tensor) -> None:
        """Let every row have the length it has already.

        Args:
            weight: Of the linear map, ``[O, I]``.
        """
        with torch.no_grad():
            lengths = self._lengths(weight)
            for key, wanted in self.m.items():
                wanted.copy_(lengths[int(key)])

    def forward(self, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Map by the turned rows, each stretched to its length.

        Args:
            inputs: ``[..., I]``.
            weight: Of the linear map, which does not learn, ``[O, I]``.
            bias: Of the linear map, which does not learn, ``[O]``.

        Returns:
            ``[..., O]``.
        """
        narrow, wide = self._factors()
        stretch = self._stretch(weight)
        in_bf16 = torch.is_autocast_enabled(inputs.device.type)  # which knows nothing of passes that are ours
        if not in_bf16 and not (self.dropout and self.training):
            outputs: Tensor = _Stretched.apply(inputs, (weight, bias, self.scale), narrow, wide, stretch)  # type: ignore[no-untyped-call]
            return outputs
        dropped = functional.dropout(inputs, self.dropout, self.training)
        usual = functional.linear(inputs, weight, bias)
        return _stretched(usual, bias, self.scale * functional.linear(dropped @ narrow.T, wide), stretch=stretch)

    def merged(self, weight: Tensor) -> Tensor:
        """Turn and stretch the rows of the weight.

        Args:
            weight: Of the linear map, ``[O, I]``.

        Returns:
            ``[O, I]``, detached.
        """
        with torch.no_grad():
            return self._stretch(weight).unsqueeze(1) * self._directions(weight)

    def tensors(self) -> dict[str, Tensor]:
        """Give factors and lengths of each part.

        Returns:
            As of ``LowRank``, and ``NAME.lora_magnitude_vector`` ``[O]``: as PEFT names it.
        """
        lengths = {f"{self.parts[int(key)].name}.lora_magnitude_vector": length for key, length in self.m.items()}
        return {**super().tensors(), **lengths}

    def _directions(self, weight: Tensor) -> Tensor:
        """The weight with the product added, ``[O, I]``."""
        return super().merged(weight)

    def _stretch(self, weight: Tensor) -> Tensor:
        """Wanted length over length of each row, 1 where a part has no product, ``[O]``."""
        return torch.cat(
            [
                self.m[str(number)] / length if str(number) in self.m else torch.ones_like(length)
                for number, length in enumerate(self._lengths(weight))
            ]
        )

    def _lengths(self, weight: Tensor) -> tuple[Tensor, ...]:
        """Length of each row as it is turned now; of each part ``[O]``."""
        lengths = self._directions(weight).norm(dim=1).clamp(min=torch.finfo(weight.dtype).tiny)
        return torch.split(lengths, [part.n_outputs for part in self.parts])


def _stretched(usual: Tensor, bias: Tensor | None, turned: Tensor, *, stretch: Tensor) -> Tensor:
    """Stretch the change alone: where nothing is learnt yet it is 0, and the map to the last bit what it was."""
    plain = usual if bias is None else usual - bias
    return usual + (stretch - 1.0) * plain + stretch * turned


class _Stretched(torch.autograd.Function):
    """``m (x W^T + s x A^T B^T) + b`` for a stretch m of each output; W, b and s are fixed.

    What is stretched comes back from the outputs, which the next layer keeps anyway; autograd would keep three matrices
    of their size for each map, so that training took more memory than where all weights learn.
    """

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, fixed: tuple[Tensor, Tensor | None, float], *learnt: Tensor) -> Tensor:
        narrow, wide, stretch = learnt
        weight, bias, scale = fixed
        inner = inputs @ narrow.T
        usual = functional.linear(inputs, weight, bias)
        outputs = _stretched(usual, bias, scale * functional.linear(inner, wide), stretch=stretch)
        ctx.save_for_backward(inputs, weight, narrow, wide, stretch, inner, outputs)
        ctx.bias, ctx.scale = bias, scale
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, None, Tensor, Tensor, Tensor]:
        inputs, weight, narrow, wide, stretch, inner, outputs = ctx.saved_tensors
        gradient, outputs = gradient.flatten(0, -2), outputs.flatten(0, -2)
        plain = outputs if ctx.bias is None else outputs - ctx.bias
        # a row of length 0 stays there: it has no direction to be lengthened in
        d_stretch = torch.where(stretch == 0.0, 0.0, (gradient * plain).sum(dim=0) / stretch)
        d_plain = gradient * stretch
        d_inner = (d_plain @ wide).mul_(ctx.scale)
        d_inputs = None
        if ctx.needs_input_grad[0]:
            d_inputs = (d_plain @ weight).addmm_(d_inner, narrow).view_as(inputs)
        d_narrow = d_inner.T @ inputs.flatten(0, -2)
        d_wide = (d_plain.T @ inner.flatten(0, -2)).mul_(ctx.scale)
        return d_inputs, None, d_narrow, d_wide, d_stretch


class Dora(Method):
    """Low-rank products and lengths beside linear maps.

    Args:
        options: How large and where.
    """

    def __init__(self, options: Options) -> None:
        self._options = options

    def install(self, encoder: Encoder, generator: torch.Generator) -> None:
        """Put a product beside each linear map: the first factor drawn, the second 0, the lengths those of its rows.

        Args:
            encoder: A copy.
            generator: Of the first factors.

        Returns:
            None.

        Raises:
            ConfigError: ``method-unfit``, queries and values are no maps of their own.
        """
        put_low_rank(encoder, "dora", self._options, kind=Decomposed)
        for module in encoder.modules():
            if isinstance(module, LowRankLinear) and isinstance(module.added, Decomposed):
                module.added.measure(module.weight)
                for factor in module.added.A.values():
                    fan_in_uniform(factor, generator)

    def peft_settings(self) -> Mapping[str, JSON]:
        """Say what PEFT calls the method.

        Returns:
            Its type, and that lengths are learnt too.
        """
        return {"peft_type": "LORA", "use_dora": True}


def build(options: Options) -> Dora:
    """Build the method.

    Args:
        options: How large the products are and where they stand.

    Returns:
        The method.
    """
    return Dora(options)
