"""Answering with a bundle: texts in, one JSON object a row out, in the user's order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tunesmith.bundle.kinds import Outputs
from tunesmith.bundle.load import Bundle
from tunesmith.data.prepare import prepare_text
from tunesmith.types import JSON


def outputs_of(bundle: Bundle, texts: Sequence[str], *, progress: Callable[[int, int], None] | None = None) -> Outputs:
    """Prepare texts as the bundle says and run its model.

    Args:
        bundle: Loaded.
        texts: As the user wrote them.
        progress: Told work done and work in all.

    Returns:
        Logits and token counts, one row a text.
    """
    return bundle.predictor.outputs(
        [prepare_text(text, bundle.facts.text.normalise) for text in texts], progress=progress
    )


def predict_texts(
    bundle: Bundle, texts: Sequence[str], *, everything: bool = False, first_row: int = 1
) -> list[dict[str, JSON]]:
    """Answer texts.

    Args:
        bundle: Loaded.
        texts: As the user wrote them.
        everything: Give every label's probability.
        first_row: Number of the first text, from 1.

    Returns:
        One object a text as ``predict --json`` prints it.
    """
    if not texts:
        return []
    outputs = outputs_of(bundle, texts)
    facts = bundle.facts
    answers = facts.learnt.answers(outputs.logits, facts.coding, facts.calibration, everything=everything)
    return [
        {
            "row": first_row + index,
            **answer,
            "truncated": False,  # longer texts are read in windows, never cut
            "n_tokens": None if outputs.n_tokens is None else int(outputs.n_tokens[index]),
            "n_windows": None if outputs.n_windows is None else int(outputs.n_windows[index]),
            "abstain": False,
            "reason": None,
        }
        for index, answer in enumerate(answers)
    ]
