"""Linear maps and tables of 8-bit whole numbers: a quarter of the memory, and products that take half the time or less.

A linear map knows beforehand between which values its input lies, so it rounds that to 256 steps; the products are
then of whole numbers, and exact. Each output has a scale of its own. Two things keep the answers near:

* A few columns of the input are far larger than all others, and the steps would be theirs alone. Those columns stay as
  they are, and are multiplied apart, where the steps are half as high without them. Of a fine-tuned MiniLM on
  banking77 98.3 % of the answers are the same without, 99.5 % with four such columns a map. Of a probe of it 99.4 % are
  with those of 10 maps of 24, or of all; of the other 14 they would only cost time.
* Weights use 127 of 256 steps. Processors that multiply whole numbers but have no instruction for dot products (before
  VNNI) add two products in 16 bits, where 255 times 127 twice does not fit and 255 times 63 does. So each processor
  gives the same answer.

Source: Dettmers et al. 2022, LLM.int8(), section 3, for the columns.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from tunesmith.models.int8_products import INPUT_STEPS, Product, Rounded, build_product

N_IN_FULL = 4
"""Columns of the input that stay as they are, where that is worth its time."""

_WORTH_ITS_TIME = 2.0
"""How many times as high the steps of the input must be with those columns among them."""

_WEIGHT_STEPS, _TABLE_STEPS = 63, 127


class ColumnRanges(NamedTuple):
    """Between which values each column of a linear map's input was seen to lie, both ``[K]``."""

    low: Tensor
    high: Tensor


class QuantizedLinear(nn.Module):
    """A linear map of whole numbers; its state is empty until it is loaded.

    Args:
        n_inputs: K.
        n_outputs: N.
        n_in_full: Columns of the input that stay as they are.
    """

    weight: Tensor
    """int8 ``[N, K]``, 0 in the columns that stay as they are."""
    scale: Tensor
    """What a step of each output's weights is, ``[N]``."""
    bias: Tensor
    """``[N]``."""
    input_scale: Tensor
    """What a step of the input is, a single number."""
    input_zero: Tensor
    """Which step stands for 0, uint8."""
    columns: Tensor
    """Numbers of the columns that stay as they are, int32."""
    in_full: Tensor
    """Their weights, float16 ``[columns, N]``."""

    def __init__(self, n_inputs: int, n_outputs: int, *, n_in_full: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.empty(n_outputs, n_inputs, dtype=torch.int8))
        self.register_buffer("scale", torch.empty(n_outputs))
        self.register_buffer("bias", torch.empty(n_outputs))
        self.register_buffer("input_scale", torch.empty(()))
        self.register_buffer("input_zero", torch.empty((), dtype=torch.uint8))
        self.register_buffer("columns", torch.empty(n_in_full, dtype=torch.int32))
        self.register_buffer("in_full", torch.empty(n_in_full, n_outputs, dtype=torch.float16))
        self._product: Product | None = None

    def forward(self, inputs: Tensor) -> Tensor:
        """Map vectors.

        Args:
            inputs: ``[T, K]``; values outside what was seen count as the nearest that was.

        Returns:
            ``[T, N]``.
        """
        if self._product is None:
            self._product = build_product(self._rounded())
        outputs = self._product(inputs)
        if len(self.columns):
            outputs.addmm_(inputs.index_select(1, self.columns), self.in_full.float())
        return outputs

    def _rounded(self) -> Rounded:
        return Rounded(self.weight, self.scale, self.bias, float(self.input_scale), int(self.input_zero))


class QuantizedTable(nn.Module):
    """A table of vectors of whole numbers; its state is empty until it is loaded.

    Args:
        n_rows: V.
        width: H.
    """

    weight: Tensor
    """int8 ``[V, H]``."""
    scale: Tensor
    """What a step of each row is, ``[V]``."""

    def __init__(self, n_rows: int, width: int) -> None:
        super().__init__()
        self.num_embeddings = n_rows
        self.register_buffer("weight", torch.empty(n_rows, width, dtype=torch.int8))
        self.register_buffer("scale", torch.empty(n_rows))

    def forward(self, rows: Tensor) -> Tensor:
        """Look rows up.

        Args:
            rows: Their numbers, ``[T]``.

        Returns:
            float32 ``[T, H]``.
        """
        return self.weight[rows].float() * self.scale[rows].unsqueeze(1)


def quantize_linear(linear: nn.Linear, seen: ColumnRanges, *, n_in_full: int = N_IN_FULL) -> QuantizedLinear:
    """Round a linear map.

    Args:
        linear: With a bias.
        seen: Between which values its input lies.
        n_in_full: Columns of the input that stay as they are: those that reach furthest; none where the others would
            gain little by it.

    Returns:
        The rounded one.
    """
    weight = linear.weight.detach()
    columns = _columns_apart(seen, n_in_full)
    others = torch.ones(weight.shape[1], dtype=torch.bool)
    others[columns] = False
    low, high = _span(seen, others)
    step = (high - low) / INPUT_STEPS or 1.0
    rounded, scale = _rounded(weight * others, _WEIGHT_STEPS)
    made = QuantizedLinear(weight.shape[1], weight.shape[0], n_in_full=len(columns))
    state = {
        "weight": rounded,
        "scale": scale,
        "bias": linear.bias.detach(),
        "input_scale": torch.tensor(step),
        "input_zero": torch.tensor(round(-low / step), dtype=torch.uint8),
        "columns": columns.to(torch.int32),
        "in_full": weight[:, columns].T.to(torch.float16).contiguous(),
    }
    made.load_state_dict(state, assign=True)
    return made


def _columns_apart(seen: ColumnRanges, n_most: int) -> Tensor:
    """The columns that reach furthest, where the steps of the others are much lower without them; else none."""
    reach = torch.maximum(seen.low.abs(), seen.high.abs())
    columns = reach.topk(min(n_most, len(reach))).indices.sort().values
    others = torch.ones(len(reach), dtype=torch.bool)
    low, high = _span(seen, others)
    others[columns] = False
    low_without, high_without = _span(seen, others)
    return columns if high - low >= _WORTH_ITS_TIME * (high_without - low_without) else columns[:0]


def _span(seen: ColumnRanges, among: Tensor) -> tuple[float, float]:
    """The lowest and the highest value of some columns, 0 among them."""
    low, high = seen.low[among], seen.high[among]
    return (min(0.0, float(low.min())), max(0.0, float(high.max()))) if len(low) else (0.0, 0.0)


def quantize_table(table: nn.Embedding) -> QuantizedTable:
    """Round a table of vectors.

    Args:
        table: Of float32.

    Returns:
        The rounded one.
    """
    rounded, scale = _rounded(table.weight.detach(), _TABLE_STEPS)
    made = QuantizedTable(*table.weight.shape)
    made.load_state_dict({"weight": rounded, "scale": scale}, assign=True)
    return made


def _rounded(values: Tensor, n_steps: int) -> tuple[Tensor, Tensor]:
    """Round each row to so many steps on either side of 0: int8 of the same shape, and what a step of each row is."""
    scale = values.abs().amax(dim=1) / n_steps
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    return torch.round(values / scale.unsqueeze(1)).to(torch.int8), scale
