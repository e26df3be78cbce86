"""The checkpoint that all answer with, as a module of torch: a BERT of transformers, its mean, and a linear head."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput


class MeanClassifier(nn.Module):
    """Padded tokens to logits.

    Args:
        checkpoint: Folder of the encoder and its head.
        attention: Which of transformers' own ways to compute attention.
    """

    def __init__(self, checkpoint: Path, *, attention: str = "sdpa") -> None:
        super().__init__()
        self.encoder: Any = AutoModel.from_pretrained(
            checkpoint, add_pooling_layer=False, attn_implementation=attention, local_files_only=True
        )
        head = load_file(checkpoint / "head.safetensors")
        self.weight = nn.Parameter(head["weight"])
        self.bias = nn.Parameter(head["bias"])

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Score padded tokens.

        Args:
            input_ids: ``[B, T]``.
            attention_mask: 1 for a real token, ``[B, T]``.

        Returns:
            Logits, ``[B, C]``.
        """
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weights = attention_mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weights).sum(dim=1) / weights.sum(dim=1)
        return functional.linear(functional.normalize(mean, dim=1), self.weight, self.bias)


class PipelineClassifier(PreTrainedModel):
    """The same in the form that a pipeline of transformers takes, with no layer more.

    Args:
        checkpoint: Folder of the encoder and its head.
        labels: Their names in the order of the head.
    """

    _supports_sdpa = True

    def __init__(self, checkpoint: Path, labels: list[str]) -> None:
        classifier = MeanClassifier(checkpoint)
        config = classifier.encoder.config
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: number for number, label in enumerate(labels)}
        super().__init__(config)
        self.classifier = classifier

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **_: Any) -> SequenceClassifierOutput:
        """Score padded tokens; see ``MeanClassifier``."""
        return SequenceClassifierOutput(logits=self.classifier(input_ids, attention_mask))


def classifier_of(checkpoint: Path, *, attention: str = "sdpa") -> MeanClassifier:
    """Load the checkpoint to answer with.

    Args:
        checkpoint: Its folder.
        attention: Which of transformers' own ways to compute attention.

    Returns:
        The module, in evaluation mode, no gradients asked for.
    """
    model = MeanClassifier(checkpoint, attention=attention).eval()
    return model.requires_grad_(requires_grad=False)


def export(checkpoint: Path, path: Path) -> None:
    """Write the checkpoint as an ONNX graph, attention as single products, which optimisers know how to fuse.

    Args:
        checkpoint: Its folder.
        path: The file to write.
    """
    ids = torch.arange(21).view(3, 7) + 1000
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    names = ["input_ids", "attention_mask"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the exporter is the older one: its graphs are those that get fused
        torch.onnx.export(
            classifier_of(checkpoint, attention="eager"),
            (ids, mask),
            str(path),
            input_names=names,
            output_names=["logits"],
            dynamic_axes={**{name: {0: "batch", 1: "tokens"} for name in names}, "logits": {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )
