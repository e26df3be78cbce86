"""Products of whole numbers of 8 bits, by what torch was built with: FBGEMM, oneDNN, or the same steps in float32.

FBGEMM rounds the input while it multiplies, which is fastest for few rows; torch is going to drop the tensors that it
takes. oneDNN takes an input that is already rounded; with many rows both are as fast. Neither is there on every
processor. The answers are equal but for inputs that lie in the middle between two steps.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

INPUT_STEPS = 255

Product: TypeAlias = Callable[[Tensor], Tensor]
"""Inputs ``[T, K]`` to outputs ``[T, N]``, both float32."""


class Rounded(NamedTuple):
    """A linear map in whole numbers."""

    weight: Tensor
    """int8 ``[N, K]``."""
    scale: Tensor
    """What a step of each output's weights is, ``[N]``."""
    bias: Tensor
    """``[N]``."""
    input_scale: float
    """What a step of the input is."""
    input_zero: int
    """Which step stands for 0."""

    @property
    def input_low(self) -> float:
        """The lowest input that has a step of its own."""
        return -self.input_zero * self.input_scale

    @property
    def input_high(self) -> float:
        """The highest."""
        return (INPUT_STEPS - self.input_zero) * self.input_scale


def build_product(rounded: Rounded) -> Product:
    """Make ready to multiply.

    Args:
        rounded: The linear map.

    Returns:
        What maps inputs; it keeps a copy of the weights in an order of its own.
    """
    if fbgemm_is_there():
        return fbgemm_product(rounded)
    return onednn_product(rounded) if onednn_is_there() else float_product(rounded)


def fbgemm_is_there() -> bool:
    """Tell whether torch brings FBGEMM, and still takes its tensors.

    Returns:
        False on processors other than x86.
    """
    return "fbgemm" in torch.backends.quantized.supported_engines and hasattr(
        torch.ops.quantized, "linear_with_input_q_dq_qweight_dq_output_fp32"
    )


def onednn_is_there() -> bool:
    """Tell whether torch was built with oneDNN.

    Returns:
        False of builds without.
    """
    return torch._C._has_mkldnn and hasattr(torch.ops.onednn, "qlinear_prepack")


def fbgemm_product(rounded: Rounded) -> Product:
    """Multiply by FBGEMM.

    Args:
        rounded: The linear map.

    Returns:
        What maps inputs.
    """
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = "fbgemm"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # such tensors go in some future torch: then oneDNN comes in
            zeros = torch.zeros(len(rounded.weight), dtype=torch.int64)
            weight = torch._make_per_channel_quantized_tensor(rounded.weight, rounded.scale.double(), zeros, 0)
            packed = torch.ops.quantized.linear_prepack(weight, rounded.bias)
    finally:
        torch.backends.quantized.engine = before
    multiply = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32
    return lambda inputs: multiply(inputs, rounded.input_scale, rounded.input_zero, packed)


def onednn_product(rounded: Rounded) -> Product:
    """Multiply by oneDNN.

    Args:
        rounded: The linear map.

    Returns:
        What maps inputs.
    """
    packed = torch.ops.onednn.qlinear_prepack(rounded.weight, None)
    zeros = torch.zeros(len(rounded.weight), dtype=torch.int32)
    per_step, middle = 1.0 / rounded.input_scale, rounded.input_zero + 0.5

    def multiply(inputs: Tensor) -> Tensor:
        steps = torch.clamp(inputs, rounded.input_low, rounded.input_high).mul_(per_step).add_(middle).to(torch.uint8)
        outputs: Tensor = torch.ops.onednn.qlinear_pointwise(
            steps,
            rounded.input_scale,
            rounded.input_zero,
            packed,
            rounded.scale,
            zeros,
            rounded.bias,
            1.0,
            0,
            torch.float32,
            "none",
            [],
            "",
        )
        return outputs

    return multiply


def float_product(rounded: Rounded) -> Product:
    """Multiply the same steps in float32: as exact, and no faster than the model before.

    Args:
        rounded: The linear map.

    Returns:
        What maps inputs.
    """
    weight = rounded.weight.float() * rounded.scale.unsqueeze(1)

    def multiply(inputs: Tensor) -> Tensor:
        steps = torch.clamp(torch.round(inputs / rounded.input_scale) + rounded.input_zero, 0, INPUT_STEPS)
        return functional.linear((steps - rounded.input_zero) * rounded.input_scale, weight, rounded.bias)

    return multiply
