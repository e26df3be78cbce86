"""``runtime``: an encoder made for answering alone, with its pooling and its head: smaller, faster, never trained on.

Its linear maps and largest tables are of 8-bit whole numbers. What runs it is said in ``tunesmith.json``: our own
engine, which needs no further package, or another runtime. The weights are the same for all; a graph is made of them
only when the model is opened, so none comes from a file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tunesmith.bundle.encoder_model import PARTS, EncoderModel, EncoderPredictor, checked_config, load_parts, save_parts
from tunesmith.bundle.kinds import Outputs, Seen
from tunesmith.bundle.schema import Facts, RuntimeFacts
from tunesmith.data.tokenize import TokenSet
from tunesmith.errors import ArtifactError
from tunesmith.files.tensors import load_tensors, save_tensors
from tunesmith.models.quantized_encoder import build_quantized
from tunesmith.runtimes.engines import ENGINES, Engine, refuse_missing
from tunesmith.types import Text

WEIGHTS = "runtime/model.safetensors"
FILES = (*PARTS, WEIGHTS)
SHARES_BASE = False


class RuntimePredictor:
    """A loaded encoder and what runs it.

    Args:
        model: Encoder, head and tokenizer.
        engine: Runs the encoder and the pooling.
    """

    sees = EncoderPredictor.sees

    def __init__(self, model: EncoderModel, engine: Engine) -> None:
        self.model = model
        self._engine = engine

    def outputs(self, texts: Sequence[Text], *, progress: Callable[[int, int], None] | None = None) -> Outputs:
        """Answer prepared texts: see ``Predictor``."""
        tokens = self.model.tokens(texts)
        found = self._seen(tokens, progress=progress)
        return Outputs(logits=found.logits, n_tokens=tokens.n_tokens, n_windows=tokens.n_windows())

    def seen(self, texts: Sequence[Text], *, progress: Callable[[int, int], None] | None = None) -> Seen:
        """Answer prepared texts and give the features of their head: see ``Predictor``."""
        return self._seen(self.model.tokens(texts), progress=progress)

    def _seen(self, tokens: TokenSet, *, progress: Callable[[int, int], None] | None) -> Seen:
        classifier = self.model.classifier
        with torch.inference_mode():
            vectors: NDArray[np.float32] = self._engine(tokens, progress=progress)
            features = classifier.combined(torch.from_numpy(vectors))
            return Seen(features=features.numpy(), logits=classifier.head(features).numpy())


def predictor(model: EncoderModel) -> RuntimePredictor:
    """Answer with a model in memory.

    Args:
        model: Says what runs it; its classifier is put in evaluation mode.

    Returns:
        The predictor.

    Raises:
        ConfigError: ``package-missing``.
    """
    assert model.runtime is not None, "a model of this kind says what runs it"
    return RuntimePredictor(model, open_engine(model, model.runtime))


def open_engine(model: EncoderModel, runtime: RuntimeFacts) -> Engine:
    """Make ready to run a model.

    Args:
        model: Its encoder is rounded; its classifier is put in evaluation mode.
        runtime: What runs it.

    Returns:
        The engine.

    Raises:
        ConfigError: ``package-missing``.
    """
    refuse_missing(runtime.name)
    member = ENGINES.member(runtime.name)
    engine: Engine = member.open_engine(model.classifier.eval(), reads_types=model.joins, products=runtime.precision)
    return engine


def save(folder: Path, model: EncoderModel) -> None:
    """Write the model's files.

    Args:
        folder: An existing folder.
        model: Encoder, head and tokenizer.
    """
    save_parts(folder, model)
    (folder / WEIGHTS).parent.mkdir(exist_ok=True)
    save_tensors(folder / WEIGHTS, model.classifier.encoder.state_dict())


def load(folder: Path, facts: Facts) -> RuntimePredictor:
    """Load the model to answer.

    Args:
        folder: A verified bundle of this kind.
        facts: Its description.

    Returns:
        The predictor, in evaluation mode.

    Raises:
        ArtifactError: The weights are no rounding of such an encoder, or the head does not fit it or the labels.
        ConfigError: ``package-missing``: what runs it is not installed.
    """
    assert facts.runtime is not None, "the description was checked"
    refuse_missing(facts.runtime.name, where=str(folder))
    config, tokens = checked_config(folder, facts)
    if not config.is_flat:
        raise ArtifactError(
            "facts-damaged",
            "our own engine does not run this architecture",
            where=str(folder / "config.json"),
            found=f"model_type {config.model_type}",
        )
    encoder = build_quantized(config, load_tensors(folder / WEIGHTS), where=str(folder / WEIGHTS))
    return predictor(load_parts(folder, facts, tokens, encoder=encoder))
