"""``transformers``: a folder for ``pipeline("text-classification", model=DIR)``, exact where a stock class can be."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tunesmith.errors import counted
from tunesmith.export.card import transformers_card
from tunesmith.export.distil import POOLING, distilled
from tunesmith.export.parity import differences, expected_of, found_of
from tunesmith.export.pipelines import PipelinePeer
from tunesmith.export.reading import THRESHOLDS, hf_labels, write_tokenizer
from tunesmith.export.source import Model
from tunesmith.export.stock import Stock, stock_of
from tunesmith.export.targets import Made
from tunesmith.export.trial import Trial
from tunesmith.files.atomic import write_json
from tunesmith.files.tensors import save_tensors
from tunesmith.runtimes.torch import pooled
from tunesmith.types import Text, as_one

NEEDS = ("transformers",)
CUTS = True
PAIRS = ("joined",)
ADDED = False
TOLERANCE = {"probabilities": 1e-3, "values": 1e-3}
"""Of an exact form; what is left is float32's rounding in sums that a larger constant goes through."""

_PROBED = 128


def write(folder: Path, model: Model, trial: Trial) -> Made:
    """Write the export: in a form that is exact, or of a model that is taught to answer as this one does.

    Args:
        folder: An existing, empty folder.
        model: What is exported.
        trial: Rows to teach with where no form is exact.

    Returns:
        Card, tolerances, and which of the two it is.
    """
    whole = _whole(model, [text for text in trial.texts if as_one(text).strip()])
    texts = whole[:_PROBED]
    write_tokenizer(folder, model)
    thresholds = model.calibration.thresholds
    if thresholds is not None:
        told = model.labels if len(thresholds) > 1 else model.labels[1:]
        write_json(folder / THRESHOLDS, dict(zip(told, thresholds, strict=True)))
    stock = _write_stock(folder, model, texts)
    if _is_exact(folder, model, whole):
        return _made(model, stock, n_taught=0, exact=True)
    n_taught = len(trial.fitted) if model.encoder.pooling != POOLING and stock.may_be_exact else 0
    if n_taught:
        rows = trial.of(trial.fitted)
        trial.told(f"no stock class computes this model; teaching one on {counted(n_taught, 'row')}")
        outputs = model.standard(expected_of(model, rows).said.logits)
        stock = _write_stock(folder, distilled(model, rows, outputs, seed=trial.seed), texts)
    return _made(model, stock, n_taught=n_taught, exact=False)


def load(folder: Path) -> PipelinePeer:
    """Open the export with transformers.

    Args:
        folder: What ``write`` wrote.

    Returns:
        The peer.
    """
    return PipelinePeer(folder)


def _write_stock(folder: Path, model: Model, texts: list[Text]) -> Stock:
    """Write config and weights, in the place of those that are there."""
    stock = stock_of(model, pooled(model.encoder.classifier, model.tokens(texts)).astype(np.float64))
    (folder / "model.safetensors").unlink(missing_ok=True)
    write_json(folder / "config.json", stock.config)
    save_tensors(folder / "model.safetensors", stock.state())
    return stock


def _made(model: Model, stock: Stock, *, n_taught: int, exact: bool) -> Made:
    notes = {
        "architecture": stock.shape.name,
        "added_layer": stock.added_layer,
        "exact": exact,
        "taught_rows": n_taught,
    }
    card = transformers_card(model, stock, n_taught=n_taught, exact=exact)
    tolerance = TOLERANCE if exact else {}
    return Made(card, tolerance=tolerance, notes=notes, gated=True, labels=hf_labels(model))


def _whole(model: Model, texts: list[Text]) -> list[Text]:
    """Leave out what is longer than a window, which is cut there."""
    tokens = model.tokens(texts)
    return [texts[row] for row in np.flatnonzero(tokens.n_windows() == 1)]


def _is_exact(folder: Path, model: Model, texts: list[Text]) -> bool:
    """Try what was written on every text that will be compared and is read whole there."""
    expected = expected_of(model, texts)
    found = found_of(load(folder), model, texts, labels=hf_labels(model), where=str(folder))
    told = differences(model, expected.said, found, rows=np.flatnonzero(expected.is_whole))
    name = "probabilities" if model.labels else "values"
    scale = 1.0 if model.labels else model.coding.spread
    return bool(told[name] is not None and told[name] <= TOLERANCE[name] * scale)
