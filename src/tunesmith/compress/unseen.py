"""A parent whose head has not seen the rows held out: what has learnt from it can be held to it there.

The head of a rung that solves it is solved on all rows in the end. On those it answers better than on any others, and a
model that learns from its answers on other rows would seem to lose what was never there. A probe of banking77 is right
in 99.1 % of its validation rows and in 93.0 % of the test rows; what is distilled from it in 93.6 % and 92.0 %.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from tunesmith.compress.source import Parent, Rows, Work
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.supervision import Supervision
from tunesmith.runtimes.torch import encode
from tunesmith.train.solvers.quasi_newton import choose_l2, solve_head

_CHOOSING = 0.1
"""Share of the rows that the penalty is chosen by."""


def with_unseen_head(parent: Parent, rows: Rows, wanted: Supervision, *, work: Work) -> Parent:
    """Solve the head anew on the rows to fit on.

    Args:
        parent: Its encoder has seen no labels.
        rows: Those to fit on and those held out.
        wanted: What those to fit on are fitted to.
        work: Start of random choices, who is told.

    Returns:
        The parent under the new head; it keeps the features of the rows to fit on.
    """
    old = parent.model.classifier
    tokens = parent.model.tokens(rows.fitted)
    features = encode(old, tokens, progress=work.telling("encoding texts"))
    order = np.random.default_rng(work.seed).permutation(len(features))
    n_choosing = max(1, round(_CHOOSING * len(order)))
    l2, _ = choose_l2(features, wanted, train=order[n_choosing:], validation=order[:n_choosing])
    solution = solve_head(features, wanted, l2=l2)
    head = LinearHead(features.shape[1], wanted.n_outputs)
    head.load_state_dict({"weight": torch.from_numpy(solution.weight), "bias": torch.from_numpy(solution.bias)})
    classifier = EncoderClassifier(old.encoder, old.pooling, head, unit_length=old.unit_length, pairing=old.pairing)
    classifier.pool = old.pool
    return replace(parent, model=replace(parent.model, classifier=classifier.eval()), features=features)
