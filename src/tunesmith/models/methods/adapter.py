"""``adapter``: a narrow layer of its own within each layer; the encoder's weights stay as they are.

Source: Houlsby et al. 2019, figure 2 (after attention and after the feed-forward part), and Pfeiffer et al. 2021,
section 3.2 and appendix (after the feed-forward part alone, its input normalised), with the residual connections,
activations and width of AdapterHub's configurations of those names; the second map begins at 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from tunesmith.config import Settings
from tunesmith.models.added import Added
from tunesmith.models.encoder import Encoder
from tunesmith.models.methods import Method
from tunesmith.models.methods._targets import fan_in_uniform
from tunesmith.models.methods._unfit import unfit
from tunesmith.models.places import Part, Place, Role, with_roles

LEARNING_RATE = 2e-3
LAYER_DECAY = 0.9
LEAVES_BASE = True

_ROLES: Mapping[str, tuple[Role, ...]] = {"houlsby": ("attention_out", "shrink"), "pfeiffer": ("output_norm",)}


class Options(Settings):
    """How narrow the added layers are and where they stand."""

    placement: Literal["houlsby", "pfeiffer"] = "pfeiffer"
    """After attention and after the feed-forward part, or after the latter alone."""

    reduction: int = Field(16, ge=1, le=4096)
    """How many times narrower than the encoder an added layer is."""


class Bottleneck(Added):
    """Down to few numbers, an activation, and up again.

    Args:
        part: The module it stands beside.
        width: Of the encoder.
        inner: Numbers between.
        activation: SiLU in Houlsby's placement, ReLU in Pfeiffer's.
    """

    def __init__(self, part: Part, width: int, inner: int, *, activation: Literal["silu", "relu"]) -> None:
        super().__init__()
        self.part = part
        self.activation = functional.silu if activation == "silu" else functional.relu
        self.down = nn.Linear(width, inner)
        self.up = nn.Linear(inner, width)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.zero_()

    def forward(self, inputs: Tensor) -> Tensor:
        """Give what is added to the residual stream.

        Args:
            inputs: ``[..., H]``.

        Returns:
            ``[..., H]``.
        """
        change: Tensor = self.up(self.activation(self.down(inputs)))
        return change

    def merged(self, weight: Tensor) -> None:
        """Say that no weight does the same.

        Args:
            weight: Of the module it stands beside.

        Returns:
            None: an activation lies between the maps.
        """
        del weight

    def tensors(self) -> dict[str, Tensor]:
        """Give both maps.

        Returns:
            ``NAME.adapter_down.weight`` ``[I, H]`` and so on.
        """
        return {
            f"{self.part.name}.adapter_{which}.{kind}": getattr(getattr(self, which), kind)
            for which in ("down", "up")
            for kind in ("weight", "bias")
        }


class AdaptedLinear(nn.Linear):
    """A linear map whose result a narrow layer reworks, as Houlsby's placement has it.

    Args:
        linear: What was there.
        added: After it.
    """

    def __init__(self, linear: nn.Linear, added: Bottleneck) -> None:
        nn.Module.__init__(self)  # the weights are there already
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        self.added = added

    def forward(self, inputs: Tensor) -> Tensor:
        """Map, and add what the narrow layer makes of it.

        Args:
            inputs: ``[..., I]``.

        Returns:
            ``[..., H]``.
        """
        outputs = functional.linear(inputs, self.weight, self.bias)
        reworked: Tensor = outputs + self.added(outputs)
        return reworked


class AdaptedNorm(nn.LayerNorm):
    """The norm at the end of a layer, a narrow layer between two passes of it, as Pfeiffer's placement has it.

    Args:
        norm: What was there.
        added: Reads what it gives, and adds to what it was given.
    """

    def __init__(self, norm: nn.LayerNorm, added: Bottleneck) -> None:
        nn.Module.__init__(self)  # the weights are there already
        self.normalized_shape, self.eps, self.elementwise_affine = norm.normalized_shape, norm.eps, True
        self.weight, self.bias = norm.weight, norm.bias
        self.added = added

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalise, rework, and normalise the sum.

        Args:
            inputs: The layer's sum with its input, ``[..., H]``.

        Returns:
            ``[..., H]``.
        """
        return super().forward(inputs + self.added(super().forward(inputs)))


class Adapter(Method):
    """Narrow layers within the layers.

    Args:
        options: How narrow and where.
    """

    def __init__(self, options: Options) -> None:
        self._options = options

    def install(self, encoder: Encoder, generator: torch.Generator) -> None:
        """Put narrow layers in: the first map drawn, the second 0.

        Args:
            encoder: A copy.
            generator: Of the first maps.

        Returns:
            None.

        Raises:
            ConfigError: ``method-unfit``, no norm stands at the end of a layer.
        """
        options = self._options
        places = with_roles(encoder.places(), _ROLES[options.placement])
        if not places:
            raise unfit(
                "adapter",
                encoder.config.model_type,
                lacks="no norm at their end, where Pfeiffer's placement needs one",
                advice="--set rung.finetune.method_options.placement=houlsby",
            )
        for place in places:
            added = _put(place, encoder.hidden_size, max(1, encoder.hidden_size // options.reduction))
            fan_in_uniform(added.down.weight, generator)


def build(options: Options) -> Adapter:
    """Build the method.

    Args:
        options: How narrow the added layers are and where they stand.

    Returns:
        The method.
    """
    return Adapter(options)


def _put(place: Place, width: int, inner: int) -> Bottleneck:
    """Put a narrow layer after a linear map, or within a norm."""
    there = place.module
    if isinstance(there, nn.Linear):
        after = Bottleneck(place.parts[0], width, inner, activation="silu")
        place.put(AdaptedLinear(there, after))
        return after
    if not isinstance(there, nn.LayerNorm):
        raise AssertionError(f"{place.attribute} is neither a linear map nor a norm")
    within = Bottleneck(place.parts[0], width, inner, activation="relu")
    place.put(AdaptedNorm(there, within))
    return within
