"""Who answers: engine, form of the model, environment, and which batchings it is tried with."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.inference.engines import Batching

ANCHOR = "tunesmith"
"""Measured in every round, so that cells of different runs compare by it."""
DOCUMENTED = "transformers pipeline"

ALONE = (Batching(),)
"""Of those that put texts together themselves, or not at all."""
MIXED = tuple(Batching(size) for size in (8, 16, 32, 64))
BOTH = (*MIXED, Batching(32, equal=True))
_BERT = ("torch", "transformers.models.bert.modeling_bert", "transformers.models.bert.tokenization_bert")


@dataclass(frozen=True)
class Runner:
    """One way to answer."""

    name: str
    engine: str
    variant: str
    batchings: tuple[Batching, ...] = BOTH
    """The fastest on some of the texts is taken."""
    apart: bool = False
    """Whether it answers in the environment of the peers."""
    made_apart: bool = False
    """Whether its model is made there."""
    imports: tuple[str, ...] = ()
    """Libraries that its engine imports late, and that are no part of the model's memory."""
    other_model: bool = False
    """Whether it is not the checkpoint in another form, but a smaller model that learnt from it or from its rows."""

    @property
    def slug(self) -> str:
        """Its name as that of a folder."""
        return self.name.replace(" ", "-").replace(",", "")

    @property
    def is_ours(self) -> bool:
        """Whether it is tunesmith."""
        return self.engine == "ours"


_OURS = ("torch", "tunesmith.api.model", "tunesmith.bundle.encoder_model")

_ALL = (
    Runner(DOCUMENTED, "hf_pipeline", "documented", ALONE, imports=_BERT),
    Runner("transformers pipeline, batched", "hf_pipeline", "batched", MIXED, imports=_BERT),
    Runner("torch eager", "torch_padded", "eager", imports=_BERT),
    Runner("torch compiled", "torch_padded", "compiled", imports=(*_BERT, "torch._inductor")),
    Runner("ONNX Runtime", "onnx_graph", "fp32"),
    Runner("ONNX Runtime int8, dynamic", "onnx_graph", "int8_dynamic"),
    Runner("ONNX Runtime int8, static", "onnx_graph", "int8_static"),
    Runner("OpenVINO", "openvino_graph", "fp32"),
    Runner("OpenVINO int8", "openvino_graph", "int8", made_apart=True),
    Runner("CTranslate2", "ctranslate2_encoder", "fp32", apart=True, made_apart=True),
    Runner("CTranslate2 int8", "ctranslate2_encoder", "int8", apart=True, made_apart=True),
    Runner("model2vec", "model2vec_pipeline", "static", ALONE, apart=True, made_apart=True, other_model=True),
    Runner(ANCHOR, "ours", "fp32", ALONE, imports=_OURS),
    Runner("tunesmith int8", "ours", "int8", ALONE, imports=_OURS),
    Runner("tunesmith cascade", "ours", "cascade", ALONE, imports=_OURS, other_model=True),
    Runner(
        "tunesmith static",
        "ours",
        "static",
        ALONE,
        imports=("tunesmith.api.model", "tunesmith.bundle.static_model"),
        other_model=True,
    ),
)
RUNNERS = {runner.name: runner for runner in _ALL}
