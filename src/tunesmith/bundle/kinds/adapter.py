"""``adapter``: what was learnt beside a pretrained encoder that stayed as it was, and a head.

The weights of the base model are not in the folder: they lie once beside all bundles that share them. What LoRA has
learnt is in the files of PEFT, under its names, so that its own loader reads the folder.
"""

from __future__ import annotations

from pathlib import Path

from tunesmith.bundle.encoder_model import (
    PARTS,
    EncoderModel,
    EncoderPredictor,
    checked_config,
    load_parts,
    predictor_of,
    save_parts,
)
from tunesmith.bundle.schema import Facts
from tunesmith.bundle.shared_bases import load_shared_base
from tunesmith.errors import ArtifactError
from tunesmith.files.atomic import write_json
from tunesmith.files.tensors import load_tensors, save_tensors
from tunesmith.models.adaptation import adapted, learnt_tensors, load_learnt
from tunesmith.models.encoder import pretrained
from tunesmith.models.methods import load_method
from tunesmith.models.peft import ADAPTER_CONFIG, ADAPTER_WEIGHTS, PREFIX, peft_config

FILES = (*PARTS, ADAPTER_CONFIG, ADAPTER_WEIGHTS)
SHARES_BASE = True
predictor = predictor_of


def save(folder: Path, model: EncoderModel) -> None:
    """Write the model's files.

    Args:
        folder: An existing folder.
        model: What was learnt, head and tokenizer.
    """
    if model.method is None:
        raise AssertionError("a model without a method is saved whole")
    save_parts(folder, model)
    encoder = pretrained(model.classifier.encoder)
    save_tensors(
        folder / ADAPTER_WEIGHTS, {f"{PREFIX}{name}": tensor for name, tensor in learnt_tensors(encoder).items()}
    )
    write_json(folder / ADAPTER_CONFIG, peft_config(encoder, model.method.name, model.method.options))


def load(folder: Path, facts: Facts) -> EncoderPredictor:
    """Load the model to answer.

    Args:
        folder: A verified bundle of this kind.
        facts: Its description.

    Returns:
        The predictor, in evaluation mode; models of one base share its weights in memory.

    Raises:
        ArtifactError: The base model is not on this machine, or what was learnt does not fit it.
        ConfigError: There is no such method.
    """
    _, tokens = checked_config(folder, facts)
    if facts.base is None or facts.method is None:
        raise ArtifactError("facts-damaged", "an adapter must say its base model and its method", where=str(folder))
    base = load_shared_base(facts.base, folder)
    encoder = adapted(base, load_method(facts.method.name, facts.method.options), seed=0).encoder
    weights = load_tensors(folder / ADAPTER_WEIGHTS)
    load_learnt(
        encoder,
        {name.removeprefix(PREFIX): tensor for name, tensor in weights.items()},
        where=str(folder / ADAPTER_WEIGHTS),
    )
    return EncoderPredictor(load_parts(folder, facts, tokens, encoder=encoder), base=base)
