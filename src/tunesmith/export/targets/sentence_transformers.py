"""``sentence_transformers``: the encoder with its pooling, without the head, as the vectors that the head sees.

Where the package is not installed, its folder is read by transformers as it would read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tunesmith.bundle.kinds.encoder import save
from tunesmith.errors import ConfigError
from tunesmith.export.card import vectors_card
from tunesmith.export.padded import POOLINGS
from tunesmith.export.pipelines import quiet_transformers
from tunesmith.export.reading import write_tokenizer
from tunesmith.export.source import Model
from tunesmith.export.targets import Answers, Made, Peer
from tunesmith.export.trial import Trial
from tunesmith.files.atomic import write_json
from tunesmith.files.reading import read_json
from tunesmith.types import Text

NEEDS = ("transformers",)
CUTS = True
PAIRS = ("apart",)
ADDED = False
TOLERANCE = {"vectors": 2e-5}

_BATCH = 16
_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
}


def write(folder: Path, model: Model, trial: Trial) -> Made:
    """Write the export: what a bundle holds for sentence-transformers, with the preparation of texts in the tokenizer.

    Args:
        folder: An existing, empty folder.
        model: What is exported.
        trial: Not used: nothing is fitted.

    Returns:
        Card and tolerances.

    Raises:
        ConfigError: ``pooling-not-exportable``.
    """
    del trial
    if model.encoder.pooling not in POOLINGS:
        raise ConfigError(
            "pooling-not-exportable",
            "sentence-transformers has no pooling whose weights are learnt",
            found=f"pooling {model.encoder.pooling}",
            allowed=", ".join(POOLINGS),
            advice="--to onnx is exact, and gives vectors too",
        )
    save(folder, model.encoder)
    (folder / "head.safetensors").unlink()
    write_tokenizer(folder, model)
    config = {"model_type": model.config.model_type, **model.config.hf, "dtype": "float32"}
    write_json(folder / "config.json", config)
    return Made(card=vectors_card(model), tolerance=TOLERANCE)


def load(folder: Path) -> Peer:
    """Open the export with sentence-transformers, or, where that is not installed, as it would.

    Args:
        folder: What ``write`` wrote.

    Returns:
        The peer.
    """
    return _Package(folder) if find_spec("sentence_transformers") is not None else _Folder(folder)


class _Package:
    """``SentenceTransformer(DIR)``."""

    def __init__(self, folder: Path) -> None:
        with quiet_transformers():
            import sentence_transformers

            self._model = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
        self.runtime = f"sentence-transformers {sentence_transformers.__version__}"

    def answers(self, texts: Sequence[Text]) -> Answers:
        with quiet_transformers():
            vectors = self._model.encode(_singles(texts), batch_size=_BATCH, show_progress_bar=False)
        return Answers(labels=(), vectors=np.asarray(vectors, dtype=np.float32))


class _Folder:
    """The modules that the folder names, computed by transformers."""

    def __init__(self, folder: Path) -> None:
        import transformers

        with quiet_transformers():
            self._model: Any = transformers.AutoModel.from_pretrained(folder, local_files_only=True).eval()
            self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.runtime = f"transformers {transformers.__version__}, by the files of the folder"
        settings = read_json(folder / "1_Pooling" / "config.json")
        (self._pool,) = (POOLINGS[name] for flag, name in _FLAGS.items() if settings[flag])
        self._normalises = any(each["type"].endswith(".Normalize") for each in read_json(folder / "modules.json"))
        self._limit = read_json(folder / "sentence_bert_config.json")["max_seq_length"]

    def answers(self, texts: Sequence[Text]) -> Answers:
        singles = _singles(texts)
        order = sorted(range(len(singles)), key=lambda row: len(singles[row]))
        parts = [
            self._vectors([singles[row] for row in order[at : at + _BATCH]]) for at in range(0, len(order), _BATCH)
        ]
        return Answers(labels=(), vectors=np.concatenate(parts)[np.argsort(order)])

    def _vectors(self, texts: list[str]) -> NDArray[np.float32]:
        inputs = self._tokenizer(texts, padding=True, truncation=True, max_length=self._limit, return_tensors="pt")
        with torch.inference_mode():
            vectors = self._pool(self._model(**inputs).last_hidden_state, inputs["attention_mask"])
            vectors = torch.nn.functional.normalize(vectors, dim=1) if self._normalises else vectors
        found: NDArray[np.float32] = vectors.numpy()
        return found


def _singles(texts: Sequence[Text]) -> list[str]:
    """List texts, and of pairs both, one behind the other."""
    return list(chain.from_iterable([text] if isinstance(text, str) else text for text in texts))
