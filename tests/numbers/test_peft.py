"""LoRA and AdaLoRA held to PEFT: outputs, gradients, the ranks left after each step, and each other's files.

PEFT 0.18 or newer; ``get_peft_model`` on transformers' own BERT, padded, with the same weights.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tests.models.tiny_encoders import hf_model, packed, padded_outputs, saved

from tunesmith.api.peft_base import merge_peft
from tunesmith.bundle.kinds import adapter as adapter_kind
from tunesmith.errors import ArtifactError, ConfigError
from tunesmith.files.tensors import load_tensors, save_tensors
from tunesmith.models.adaptation import Adaptation, adapted, learnt_tensors, load_learnt
from tunesmith.models.base import find_base
from tunesmith.models.encoder import Encoder
from tunesmith.models.encoder_config import read_encoder_config
from tunesmith.models.encoders import load_encoder
from tunesmith.models.methods import METHODS
from tunesmith.models.methods.adalora import RankAllocator
from tunesmith.models.peft import ADAPTER_CONFIG, ADAPTER_WEIGHTS, PREFIX, peft_config

peft = pytest.importorskip("peft", reason="the requirements of development are not installed")

pytestmark = [
    pytest.mark.filterwarnings("ignore:Note that `r` is not used in AdaLora"),
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),  # PEFT asks for it
]

TOKENS = packed([3, 4, 7])
STEPS = 40
ADALORA = {"rank": 4, "target_rank": 2, "begin": 0.2, "settle": 0.3, "every": 3, "orthogonality": 0.5}
MODELS = ("bert", "distilbert", "deberta-v2", "mpnet", "modernbert")


def built(folder: Path, name: str, **options: object) -> tuple[Adaptation[Encoder], dict[str, object]]:
    """A copy of the encoder in a folder for a method to train, and all options of the method."""
    member = METHODS.member(name)
    values = METHODS.options(name, options)
    base = load_encoder(folder, read_encoder_config(folder))
    return adapted(base, member.build(values), seed=0), values.model_dump(mode="json")


def shaken(encoder: Encoder) -> Encoder:
    """The encoder with all that learns in it moved."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in encoder.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return encoder


def written(encoder: Encoder, name: str, options: dict[str, object], folder: Path) -> Path:
    """The files of an adapter as a bundle has them."""
    folder.mkdir()
    tensors = {f"{PREFIX}{key}": tensor for key, tensor in learnt_tensors(encoder).items()}
    save_tensors(folder / ADAPTER_WEIGHTS, tensors)
    (folder / ADAPTER_CONFIG).write_text(json.dumps(peft_config(encoder, name, options)), encoding="utf-8")
    return folder


def loaded(base: Path, files: Path) -> torch.nn.Module:
    """What PEFT's own loader makes of them."""
    from transformers import AutoModel

    model = AutoModel.from_pretrained(base, attn_implementation="eager")
    found: torch.nn.Module = peft.PeftModel.from_pretrained(model, str(files), is_trainable=True)
    return found.eval()


@pytest.mark.parametrize("model_type", MODELS)
@pytest.mark.parametrize("name", ["lora", "adalora", "dora"])
def test_peft_reads_our_files(name: str, model_type: str, tmp_path: Path) -> None:
    """Its own loader, on transformers' own model: the same outputs, and no weight is left over or missing."""
    base = saved(hf_model(model_type), tmp_path / "base")
    copy, options = built(base, name)
    files = written(shaken(copy.encoder), name, options, tmp_path / "adapter")
    theirs = loaded(base, files)
    assert {key for key, part in theirs.named_parameters() if part.requires_grad and "ranknum" not in key} == {
        _in_peft(f"{PREFIX}{key}") for key in learnt_tensors(copy.encoder)
    }
    found = padded_outputs(theirs, TOKENS, pad_token_id=0)
    torch.testing.assert_close(found, copy.encoder(TOKENS), rtol=1e-4, atol=1e-4)


def _in_peft(key: str) -> str:
    """Name a weight as PEFT does in memory, where each adapter has a name."""
    if key.endswith("lora_magnitude_vector"):
        return f"{key}.default.weight"
    return key.replace(".weight", ".default.weight") if key.endswith(".weight") else f"{key}.default"


def test_the_files_are_those_of_the_bundle() -> None:
    """What is tested here is what a bundle has."""
    assert {ADAPTER_CONFIG, ADAPTER_WEIGHTS} <= set(adapter_kind.FILES)


@pytest.mark.parametrize("name", ["lora", "dora"])
def test_gradients_are_peft_s(name: str, tmp_path: Path) -> None:
    """Of every factor, through the padded computation."""
    base = saved(hf_model("bert", dropout=0.0), tmp_path / "base")
    copy, options = built(base, name)
    encoder = shaken(copy.encoder)
    theirs = loaded(base, written(encoder, name, options, tmp_path / "adapter"))
    encoder(TOKENS).square().sum().backward()
    padded_outputs(theirs, TOKENS, pad_token_id=0).square().sum().backward()
    gradients = {key: part.grad for key, part in theirs.named_parameters()}
    for _, product in _products(encoder):
        for key, parameter in product.tensors().items():
            torch.testing.assert_close(parameter.grad, gradients[_in_peft(f"{PREFIX}{key}")], rtol=1e-3, atol=1e-3)


def _products(encoder: Encoder) -> list[tuple[str, object]]:
    from tunesmith.models.added import additions

    return list(additions(encoder))


def test_ranks_go_as_peft_lets_them_go(tmp_path: Path) -> None:
    """Forty steps of both on the same batches: after each the same numbers between the factors, the same ones 0."""
    base = saved(hf_model("bert", dropout=0.0), tmp_path / "base")
    copy, options = built(base, "adalora", **ADALORA)
    encoder, ours = shaken(copy.encoder), copy.allocator
    assert isinstance(ours, RankAllocator)
    theirs = loaded(base, written(encoder, "adalora", options, tmp_path / "adapter"))
    config = theirs.peft_config["default"]
    config.total_step, config.tinit, config.tfinal = STEPS, int(0.2 * STEPS), int(0.3 * STEPS)
    allocator = theirs.base_model.rankallocator
    parameters = {key.replace(".default", ""): part for key, part in theirs.named_parameters()}
    pairs = [
        (tensor, parameters[f"{PREFIX}{name}"])
        for _, product in _products(encoder)
        for name, tensor in product.tensors().items()
    ]
    optimizers = [torch.optim.SGD([pair[side] for pair in pairs], lr=0.01) for side in (0, 1)]
    n_gone = []
    for step in range(1, STEPS + 1):
        tokens = packed([3, 4, 7], seed=step)
        (encoder(tokens).square().mean() + ours.penalty()).backward()
        outputs = padded_outputs(theirs, tokens, pad_token_id=0)
        (outputs.square().mean() + 0.5 * _orthogonality(theirs)).backward()
        for optimizer in optimizers:
            optimizer.step()
        ours.observe()
        ours.allocate(step, STEPS)
        allocator.update_and_allocate(theirs.base_model.model, step)
        for optimizer in optimizers:
            optimizer.zero_grad()
        values = [(mine, other) for mine, other in pairs if mine.shape[1] == 1]
        for mine, other in values:
            torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-5)
        n_gone.append(sum(int((mine == 0.0).sum()) for mine, _ in values))
    assert n_gone[int(0.2 * STEPS) - 1] == 0
    assert n_gone[-1] == ours.n_ranks - 2 * len(values) > 0
    assert len(set(n_gone)) > 3, "they are to go bit by bit"


def _orthogonality(theirs: torch.nn.Module) -> torch.Tensor:
    """The penalty as PEFT's AdaLoRA adds it to a loss of transformers' models, which the bare encoder has none of."""
    factors = [(key, part) for key, part in theirs.named_parameters() if "lora_A" in key or "lora_B" in key]
    grams = [part @ part.T if "lora_A" in key else part.T @ part for key, part in factors]
    return sum(torch.norm(gram - torch.eye(len(gram)), p="fro") for gram in grams) / len(grams)


def test_we_read_what_peft_has_written(tmp_path: Path) -> None:
    """Its LoRA of the same form, saved by itself, in our own copy of the base."""
    from transformers import AutoModel

    base = saved(hf_model("bert"), tmp_path / "base")
    copy, options = built(base, "lora", rank=3, alpha=5.0, target_modules="query_value")
    described = peft_config(copy.encoder, "lora", options)
    theirs = peft.get_peft_model(
        AutoModel.from_pretrained(base, attn_implementation="eager"),
        peft.LoraConfig(
            r=3, lora_alpha=5, target_modules=described["target_modules"], init_lora_weights=False, bias="none"
        ),
    ).eval()
    theirs.save_pretrained(tmp_path / "adapter")
    weights = load_tensors(tmp_path / "adapter" / ADAPTER_WEIGHTS)
    load_learnt(copy.encoder, {key.removeprefix(PREFIX): part for key, part in weights.items()}, where="adapter")
    found = padded_outputs(theirs, TOKENS, pad_token_id=0)
    torch.testing.assert_close(copy.encoder(TOKENS), found, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("around", [False, True], ids=["bare", "with a head"])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"use_rslora": True},
        {"alpha_pattern": {"value": 11}},
        {"alpha_pattern": {r"encoder\.layer\.\d+\.attention\.self\.value": 11}},
        {"modules_to_save": ["LayerNorm"]},
    ],
    ids=str,
)
def test_an_adapter_of_peft_becomes_a_base(more: dict[str, object], around: bool, tmp_path: Path) -> None:
    """Merged by us it answers as PEFT computes it, on the encoder or on a model with a head around it."""
    from transformers import AutoModel, AutoModelForSequenceClassification

    base = saved(hf_model("bert"), tmp_path / "base")
    maker = AutoModelForSequenceClassification if around else AutoModel
    settings = peft.LoraConfig(r=3, lora_alpha=5, target_modules=["query", "value"], init_lora_weights=False, **more)
    model = maker.from_pretrained(base, attn_implementation="eager")
    theirs = peft.get_peft_model(model, settings).eval()
    theirs.save_pretrained(tmp_path / "adapter")
    out = merge_peft(tmp_path / "adapter", tmp_path / "merged")
    encoder = load_encoder(out, read_encoder_config(out))
    inside = theirs.base_model.model.bert if around else theirs
    found = padded_outputs(inside, TOKENS, pad_token_id=0)
    torch.testing.assert_close(encoder(TOKENS), found, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(load_encoder(base, read_encoder_config(base))(TOKENS), found, atol=1e-2)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"peft_type": "IA3"}, "peft_type"),
        ({"use_dora": True}, "use_dora"),
        ({"bias": "all"}, "bias"),
        ({"r": 0}, "r = 0"),
        ({"init_lora_weights": "pissa"}, "init_lora_weights = 'pissa'"),
        ({"lora_bias": True}, "lora_bias"),
        ({"layer_replication": [[0, 2]]}, "layer_replication"),
        ({"alpha_pattern": {"(": 3}}, "alpha_pattern"),
    ],
)
def test_an_adapter_that_is_no_product_is_refused(change: dict[str, object], told: str, tmp_path: Path) -> None:
    """By the setting that makes it none; nothing is written."""
    base = saved(hf_model("bert"), tmp_path / "base")
    copy, options = built(base, "lora")
    files = written(copy.encoder, "lora", options, tmp_path / "adapter")
    described = json.loads((files / ADAPTER_CONFIG).read_text("utf-8"))
    (files / ADAPTER_CONFIG).write_text(json.dumps(described | change), "utf-8")
    with pytest.raises(ArtifactError, match=told):
        merge_peft(files, tmp_path / "merged", base=base)
    assert not (tmp_path / "merged").exists()


@pytest.mark.filterwarnings("ignore:Adapter 'default'")  # PEFT takes a bias for a factor that was cut
@pytest.mark.parametrize("more", [{"lora_bias": True}, {"target_modules": ["query", "word_embeddings"]}], ids=str)
def test_what_is_learnt_beside_products_is_never_left_out(more: dict[str, object], tmp_path: Path) -> None:
    """PEFT's own files, the setting taken out that would tell: the tensor itself is refused by name."""
    from transformers import AutoModel

    base = saved(hf_model("bert"), tmp_path / "base")
    model = AutoModel.from_pretrained(base, attn_implementation="eager")
    settings = peft.LoraConfig(**{"r": 3, "target_modules": ["query"], **more})
    peft.get_peft_model(model, settings).save_pretrained(tmp_path / "adapter")
    described = json.loads((tmp_path / "adapter" / ADAPTER_CONFIG).read_text("utf-8"))
    (tmp_path / "adapter" / ADAPTER_CONFIG).write_text(json.dumps({**described, "lora_bias": False}), "utf-8")
    with pytest.raises(ArtifactError, match=r"(lora_B\.bias|lora_embedding_A), which is no factor of a product"):
        merge_peft(tmp_path / "adapter", tmp_path / "merged", base=base)


def test_an_adapter_that_names_no_base_asks_for_one(tmp_path: Path) -> None:
    """Beside a config.json too, as in our own folders."""
    base = saved(hf_model("bert"), tmp_path / "base")
    copy, options = built(base, "lora")
    files = written(copy.encoder, "lora", options, tmp_path / "adapter")
    (files / "config.json").write_bytes((base / "config.json").read_bytes())
    with pytest.raises(ConfigError, match=r"does\s+not\s+name\s+the\s+base\s+model"):
        merge_peft(files, tmp_path / "merged")


def test_an_adapter_of_another_base_is_refused(tmp_path: Path) -> None:
    """By the first weight that does not fit."""
    copy, options = built(saved(hf_model("distilbert"), tmp_path / "other"), "lora")
    files = written(copy.encoder, "lora", options, tmp_path / "adapter")
    base = saved(hf_model("bert"), tmp_path / "base")
    with pytest.raises(ArtifactError, match=r"k_lin,\s+which\s+the\s+base\s+model\s+does\s+not\s+have"):
        merge_peft(files, tmp_path / "merged", base=base)
    with pytest.raises(ConfigError, match=r"holds\s+an\s+adapter\s+of\s+PEFT\s+and\s+no\s+model"):
        find_base(str(files), offline=True)
