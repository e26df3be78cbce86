"""A product of two narrow matrices beside a linear map: what LoRA and AdaLoRA learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
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

    def forward(self, inputs: Tensor, outputs: Tensor) -> Tensor:
        """Add to what the linear map gives.

        Args:
            inputs: Of the linear map, ``[..., I]``.
            outputs: Of the linear map, ``[..., O]``; written over.

        Returns:
            Their sum with what was learnt, ``[..., O]``.
        """
        narrow, wide = self._factors()
        if self.dropout:
            inputs = functional.dropout(inputs, self.dropout, training=self.training)
        flat = outputs.view(-1, outputs.shape[-1])
        return flat.addmm_(inputs.reshape(len(flat), -1) @ narrow.T, wide.T, alpha=self.scale).view(outputs.shape)

    def merged(self, weight: Tensor) -> Tensor:
        """Add the product to the weight.

        Args:
            weight: Of the linear map, ``[O, I]``.

        Returns:
            ``[O, I]``, detached.
        """
        with torch.no_grad():
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
        outputs: Tensor = self.added(inputs, functional.linear(inputs, self.weight, self.bias))
        return outputs


def put_beside(place: Place, ranks: Mapping[str, int], *, scale: float, dropout: float, has_values: bool) -> LowRank:
    """Put a low-rank product beside the linear map at a place.

    Args:
        place: In an encoder.
        ranks: Rank by the name of a part.
        scale: Factor on the product.
        dropout: Share of the inputs that is left out in training.
        has_values: Whether there is a diagonal between the factors.

    Returns:
        What was put there; all its weights are 0.
    """
    linear = place.module
    if not isinstance(linear, nn.Linear):
        raise AssertionError(f"{place.attribute} is no linear map")
    added = LowRank(
        place.parts, ranks, n_inputs=linear.in_features, scale=scale, dropout=dropout, has_values=has_values
    )
    place.put(LowRankLinear(linear, added))
    return added
