"""Only the top layers learn: those below stay the base's, and what they make of the rows is computed once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.ladder.tiny_climb import LEARNS, Home, options

from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.types import PackedTokens


def topk(layers: int) -> dict[str, object]:
    """Options of a fit in which only so many layers learn."""
    return {"method": "topk", "method_options": {"layers": layers}}


def test_layers_below_stay_as_they_are(home: Home) -> None:
    """And are the base's own, not a copy; those above move."""
    site, _ = home.climbed(**options("finetune", {**LEARNS, **topk(1)}))
    base = dict(site.encoded.encoder.named_parameters())
    tuned = dict(site.landings["finetune"].model.classifier.encoder.named_parameters())
    for name, parameter in tuned.items():
        learns = name.startswith("layers.1.")
        assert (parameter is not base[name]) is learns, name
        assert torch.equal(parameter, base[name]) is not learns, name
    assert any("1 layer makes of" in line for line in home.told)


@pytest.mark.parametrize("layers", [0, 1])
def test_what_is_kept_changes_nothing(home: Home, monkeypatch: pytest.MonkeyPatch, layers: int) -> None:
    """Weights and scores are those of a fit that computes the lower layers in every step."""
    how = options("finetune", {**LEARNS, **topk(layers), "micro_batch_size": 5})
    kept, _ = home.climbed("kept", **how)
    monkeypatch.setattr(FlatEncoder, "starts_anywhere", False)
    anew, _ = home.climbed("anew", **how)
    landings = [site.landings["finetune"] for site in (kept, anew)]
    np.testing.assert_allclose(landings[0].logits, landings[1].logits, rtol=1e-4, atol=1e-5)
    both = [dict(landing.model.classifier.named_parameters()) for landing in landings]
    for name, parameter in both[0].items():
        torch.testing.assert_close(parameter, both[1][name], rtol=1e-4, atol=1e-5)


def test_each_row_is_computed_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many passes are made over them."""
    sound, lengths = FlatEncoder.below, []

    def below(encoder: FlatEncoder, tokens: PackedTokens) -> torch.Tensor:
        lengths.append(len(tokens.input_ids))
        return sound(encoder, tokens)

    monkeypatch.setattr(FlatEncoder, "below", below)
    site, _ = home.climbed(**options("finetune", {**LEARNS, **topk(1)}))
    tokens, split = site.encoded.tokens.n_tokens, site.data.split
    assert sum(lengths) <= tokens[split.train].sum() + 2 * tokens[split.validation].sum()


def test_a_killed_fit_goes_on(home: Home) -> None:
    """What was kept is computed again; the weights are those of a run that was not stopped."""
    how = options("finetune", {**LEARNS, **topk(1)})
    home.stopped(after=20, **how)
    resumed, _ = home.climbed(resume=True, **how)
    whole, _ = home.climbed("whole", follow=resumed.workspace.plan, **how)
    states = [site.landings["finetune"].model.classifier.state_dict() for site in (resumed, whole)]
    torch.testing.assert_close(states[0], states[1], rtol=0.0, atol=0.0)
