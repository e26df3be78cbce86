"""A low-rank product worked into its weight: exact, whatever a training step around it multiplies."""

from __future__ import annotations

import torch

from tunesmith.models.low_rank import LowRank
from tunesmith.models.places import Part


def test_a_weight_is_merged_in_float32_within_a_step_of_bf16() -> None:
    """DoRA measures rows of it in each step: digits lost there would turn every row."""
    part = Part("query", "query", 6)
    added = LowRank([part], {"query": 2}, n_inputs=5, scale=0.7, dropout=0.0, has_values=False)
    generator = torch.Generator().manual_seed(0)
    for factor in (added.A["0"], added.B["0"]):
        torch.nn.init.normal_(factor, generator=generator)
    weight = torch.randn(6, 5, generator=generator)
    exact = added.merged(weight)
    with torch.autocast("cpu", torch.bfloat16):
        found = added.merged(weight)
    torch.testing.assert_close(found, exact, rtol=0.0, atol=0.0)
    torch.testing.assert_close(exact, weight + 0.7 * (added.B["0"] @ added.A["0"]).detach())
