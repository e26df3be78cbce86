"""Answering with a bundle: texts in, one JSON object a row out, in the user's order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tunesmith.bundle.kinds import Outputs, Seen
from tunesmith.bundle.load import Bundle
from tunesmith.data.prepare import prepare_input
from tunesmith.errors import ConfigError
from tunesmith.types import JSON, Text


def outputs_of(bundle: Bundle, texts: Sequence[Text], *, progress: Callable[[int, int], None] | None = None) -> Outputs:
    """Prepare texts as the bundle says and run its model.

    Args:
        bundle: Loaded.
        texts: As the user wrote them; pairs where the model reads those.
        progress: Told work done and work in all.

    Returns:
        Logits and token counts, one row a text.

    Raises:
        ConfigError: ``pairs-expected`` or ``texts-expected``, the texts are not of the kind that the model reads.
    """
    return bundle.remembering.outputs(_prepared(bundle, texts), progress=progress)


def seen_by(bundle: Bundle, texts: Sequence[Text], *, progress: Callable[[int, int], None] | None = None) -> Seen:
    """Prepare texts as the bundle says, run its model and keep the features that tell its texts apart.

    Args:
        bundle: Loaded.
        texts: As the user wrote them; pairs where the model reads those.
        progress: Told work done and work in all.

    Returns:
        Features and logits, one row a text.

    Raises:
        ConfigError: ``pairs-expected`` or ``texts-expected``, the texts are not of the kind that the model reads.
    """
    return bundle.predictor.seen(_prepared(bundle, texts), progress=progress)


def _prepared(bundle: Bundle, texts: Sequence[Text]) -> list[Text]:
    _refuse_others(bundle, texts)
    return [prepare_input(text, bundle.facts.text.normalise) for text in texts]


def _refuse_others(bundle: Bundle, texts: Sequence[Text]) -> None:
    """Refuse texts where the model reads pairs, and pairs where it reads texts."""
    wanted = tuple if bundle.facts.reads_pairs else str
    other = next((row for row, text in enumerate(texts, start=1) if not isinstance(text, wanted)), None)
    if other is not None:
        raise other_texts(bundle, f"a {'single text' if bundle.facts.reads_pairs else 'pair'} at row {other}")


def other_texts(bundle: Bundle, found: str) -> ConfigError:
    """Make the error for texts of the kind that a model does not read.

    Args:
        bundle: Loaded.
        found: What was given.

    Returns:
        ``pairs-expected`` or ``texts-expected``, to be raised by the caller.
    """
    pairs = bundle.facts.reads_pairs
    return ConfigError(
        "pairs-expected" if pairs else "texts-expected",
        f"this model answers {'pairs of texts' if pairs else 'single texts'}",
        where=str(bundle.folder),
        found=found,
        allowed='("first", "second") each, or --text and --pair' if pairs else "one text each, without --pair",
    )


def predict_texts(
    bundle: Bundle, texts: Sequence[Text], *, everything: bool = False, first_row: int = 1
) -> list[dict[str, JSON]]:
    """Answer texts.

    Args:
        bundle: Loaded.
        texts: As the user wrote them; pairs where the model reads those.
        everything: Give every label's probability.
        first_row: Number of the first text, from 1.

    Returns:
        One object a text as ``predict --json`` prints it.
    """
    if not texts:
        return []
    return answers_of(bundle, outputs_of(bundle, texts), everything=everything, first_row=first_row)


def answers_of(
    bundle: Bundle, outputs: Outputs, *, everything: bool = False, first_row: int = 1
) -> list[dict[str, JSON]]:
    """Say what outputs mean.

    Args:
        bundle: Loaded.
        outputs: Of its model.
        everything: Give every label's probability.
        first_row: Number of the first text, from 1.

    Returns:
        One object a text as ``predict --json`` prints it.
    """
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
