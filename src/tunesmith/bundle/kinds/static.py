"""``static``: averaged token vectors and one linear layer; numpy answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.bundle.kinds import Outputs, Seen
from tunesmith.bundle.schema import Facts, TokenFacts
from tunesmith.bundle.static_model import StaticModel, paired
from tunesmith.data.joined import JOINED
from tunesmith.errors import ArtifactError
from tunesmith.files.atomic import write_text
from tunesmith.files.tensors import load_arrays, save_tensors
from tunesmith.models.tokenizers import load_tokenizer, n_ids
from tunesmith.types import Text

WEIGHTS = "model.safetensors"
FILES = (WEIGHTS, "tokenizer.json")
SHARES_BASE = False

_LONGEST_WINDOW = 16_384
"""Tokens; more than any base model reads at once."""
_TYPES = {"table": np.int8, "scale": np.float32, "head.weight": np.float32, "head.bias": np.float32}


class StaticPredictor:
    """A loaded table with its head.

    Args:
        model: Table, head and tokenizer.
    """

    sees = "the vectors that its head sees"

    def __init__(self, model: StaticModel) -> None:
        self.model = model

    def outputs(self, texts: Sequence[Text], *, progress: Callable[[int, int], None] | None = None) -> Outputs:
        """Answer prepared texts.

        Args:
            texts: Prepared as the bundle says.
            progress: Told tokens done and tokens in all.

        Returns:
            One row a text, in order.
        """
        tokens = self.model.tokens(texts)
        logits = self.model.logits(self.model.features(tokens))
        if progress:
            progress(len(tokens.input_ids), len(tokens.input_ids))
        return Outputs(logits=logits, n_tokens=tokens.n_tokens, n_windows=tokens.n_windows())

    def seen(self, texts: Sequence[Text], *, progress: Callable[[int, int], None] | None = None) -> Seen:
        """Answer prepared texts and give the features of their head: see ``Predictor``."""
        del progress
        features = self.model.features(self.model.tokens(texts))
        return Seen(features=features, logits=self.model.logits(features))


def save(folder: Path, model: StaticModel) -> None:
    """Write the model's files.

    Args:
        folder: An existing folder.
        model: Table, head and tokenizer.
    """
    arrays: dict[str, NDArray[Any]] = {
        "table": model.table,
        "scale": model.scale,
        "head.weight": model.weight,
        "head.bias": model.bias,
    }
    save_tensors(folder / WEIGHTS, arrays)
    write_text(folder / "tokenizer.json", model.tokenizer.to_str())


def load(folder: Path, facts: Facts) -> StaticPredictor:
    """Load the model to answer.

    Args:
        folder: A verified bundle of this kind.
        facts: Its description.

    Returns:
        The predictor.

    Raises:
        ArtifactError: Table, head, tokenizer and labels do not fit together.
    """
    tokens = _checked_tokens(folder, facts)
    arrays, tokenizer = load_arrays(folder / WEIGHTS), load_tokenizer(folder)
    _refuse_misfits(arrays, folder, n_tokens=n_ids(tokenizer))
    joins = tokens.pairing == JOINED
    model = StaticModel(
        table=arrays["table"],
        scale=arrays["scale"],
        weight=arrays["head.weight"],
        bias=arrays["head.bias"],
        tokenizer=tokenizer,
        max_seq_length=tokens.max_seq_length,
        unit_length=tokens.unit_length,
        pair_by=None if joins else tokens.pairing,
        joins=joins,
    )
    _refuse_other_head(model, folder, n_outputs=facts.n_outputs)
    return StaticPredictor(model)


def predictor(model: StaticModel) -> StaticPredictor:
    """Answer with a model in memory.

    Args:
        model: Table, head and tokenizer.

    Returns:
        The predictor.
    """
    return StaticPredictor(model)


def _checked_tokens(folder: Path, facts: Facts) -> TokenFacts:
    """Make sure that the description says how texts become tokens, and that these are averaged."""
    tokens = facts.tokens
    if tokens is None:
        raise ArtifactError("facts-damaged", "a static bundle must say its tokens", where=str(folder))
    if tokens.pooling != StaticModel.pooling:
        raise ArtifactError(
            "facts-damaged",
            "a static model averages its tokens",
            where=str(folder),
            found=f"tokens.pooling = {tokens.pooling}",
            allowed=StaticModel.pooling,
        )
    if tokens.max_seq_length > _LONGEST_WINDOW:
        raise ArtifactError(
            "facts-damaged",
            "the windows are longer than a static model reads",
            where=str(folder),
            found=f"tokens.max_seq_length = {tokens.max_seq_length}",
            allowed=f"3 to {_LONGEST_WINDOW}",
        )
    return tokens


def _refuse_misfits(arrays: Mapping[str, NDArray[Any]], folder: Path, *, n_tokens: int) -> None:
    """Refuse tensors of other names, types or shapes, and a table without a row for each token."""
    found = {name: (array.dtype, array.ndim) for name, array in arrays.items()}
    wanted = {name: (np.dtype(kind), 1 + (name in ("table", "head.weight"))) for name, kind in _TYPES.items()}
    fits = found == wanted and len(arrays["table"]) == len(arrays["scale"]) >= n_tokens and arrays["table"].shape[1] > 0
    if not fits:
        told = {name: f"{array.dtype} {list(array.shape)}" for name, array in arrays.items()}
        raise ArtifactError(
            "weights-shape",
            "this is no table of token vectors with a head, or it lacks tokens of its tokenizer",
            where=str(folder / WEIGHTS),
            found=str(told)[:400],
            allowed=f"table int8 [V, D], scale float32 [V], head.weight float32 [C, F], head.bias float32 [C]; V at "
            f"least {n_tokens}",
            advice="restore the folder from where it came, or make it again",
        )


def _refuse_other_head(model: StaticModel, folder: Path, *, n_outputs: int) -> None:
    """Refuse a head of other shapes than vectors and labels have."""
    width = model.table.shape[1]
    if model.pair_by is not None:
        width = paired(np.zeros((2, width), dtype=np.float32), model.pair_by).shape[1]
    found, allowed = (list(model.weight.shape), list(model.bias.shape)), ([n_outputs, width], [n_outputs])
    if found != allowed:
        raise ArtifactError(
            "head-differs",
            "the head does not fit the vectors and the labels",
            where=str(folder / WEIGHTS),
            found=str(found),
            allowed=str(allowed),
        )
