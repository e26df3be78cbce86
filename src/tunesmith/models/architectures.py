"""What the config.json of each architecture may say: every key we pass on, its type and its range.

The keys are Hugging Face's, the defaults are those that transformers would take, and nothing else gets through. An
architecture that is not here is refused: what its keys would make a library do is not known.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from tunesmith.config import Settings

Size = Annotated[int, Field(ge=1, le=65_536)]
Count = Annotated[int, Field(ge=1, le=512)]
Positions = Annotated[int, Field(ge=4, le=1_048_576)]
Vocabulary = Annotated[int, Field(ge=1, le=4_194_304)]
TokenId = Annotated[int, Field(ge=0, le=4_194_304)]
Kinds = Annotated[int, Field(ge=1, le=1024)]
Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Epsilon = Annotated[float, Field(gt=0.0, le=0.1)]
Distance = Annotated[int, Field(ge=-1, le=1_048_576)]
Theta = Annotated[float, Field(gt=0.0, le=1e9)]
Activation = Literal["gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu"]


class Architecture(Settings):
    """What all architectures say; a key under another name in one of them is translated by ``shape``."""

    names: ClassVar[dict[str, str]] = {}
    """Our name of a field to the architecture's own, where they differ."""

    is_flat: ClassVar[bool] = False
    """Whether the flat engine runs it."""

    first_position_after_padding: ClassVar[bool] = False
    """Whether positions begin behind the padding token's number, as fairseq's models have it."""

    model_type: str
    vocab_size: Vocabulary
    max_position_embeddings: Positions
    is_decoder: Literal[False] = False
    is_encoder_decoder: Literal[False] = False
    add_cross_attention: Literal[False] = False
    pruned_heads: dict[str, list[int]] = Field(default_factory=dict, max_length=0)

    def shape(self) -> dict[str, Any]:
        """Give the values that every encoder has, under our names.

        Returns:
            Field of ``EncoderConfig`` to value; absent where the architecture does not have it.
        """
        values = {ours: getattr(self, theirs) for ours, theirs in self.names.items()}
        return {name: getattr(self, name) for name in _SHAPE if hasattr(self, name)} | values


class _Layers(Architecture):
    """The keys of BERT and of what was derived from its code."""

    hidden_size: Size
    num_hidden_layers: Count
    num_attention_heads: Count
    intermediate_size: Size
    hidden_act: Activation = "gelu"
    hidden_dropout_prob: Share = 0.1
    attention_probs_dropout_prob: Share = 0.1
    layer_norm_eps: Epsilon = 1e-12
    type_vocab_size: Kinds = 2
    pad_token_id: TokenId = 0
    position_embedding_type: Literal["absolute"] = "absolute"


class Bert(_Layers):
    """BERT."""

    is_flat: ClassVar[bool] = True


class Electra(_Layers):
    """ELECTRA: word vectors may be narrower than the layers."""

    is_flat: ClassVar[bool] = True
    embedding_size: Size = 128


class Roberta(_Layers):
    """RoBERTa, XLM-R and CamemBERT."""

    is_flat: ClassVar[bool] = True
    first_position_after_padding: ClassVar[bool] = True
    pad_token_id: TokenId = 1


class DistilBert(Architecture):
    """DistilBERT: BERT without token types, under names of its own."""

    is_flat: ClassVar[bool] = True
    names: ClassVar[dict[str, str]] = {
        "hidden_size": "dim",
        "num_hidden_layers": "n_layers",
        "num_attention_heads": "n_heads",
        "intermediate_size": "hidden_dim",
        "hidden_act": "activation",
        "hidden_dropout_prob": "dropout",
        "attention_probs_dropout_prob": "attention_dropout",
    }
    dim: Size
    n_layers: Count
    n_heads: Count
    hidden_dim: Size
    activation: Activation = "gelu"
    dropout: Share = 0.1
    attention_dropout: Share = 0.1
    sinusoidal_pos_embds: bool = False
    pad_token_id: TokenId = 0


class MpNet(_Layers):
    """MPNet: BERT with relative positions in attention."""

    first_position_after_padding: ClassVar[bool] = True
    relative_attention_num_buckets: Size = 32
    pad_token_id: TokenId = 1


class Albert(_Layers):
    """ALBERT: one layer's weights used many times, narrow word vectors."""

    embedding_size: Size = 128
    num_hidden_groups: Count = 1
    inner_group_num: Count = 1
    hidden_act: Activation = "gelu_new"
    hidden_dropout_prob: Share = 0.0
    attention_probs_dropout_prob: Share = 0.0
    classifier_dropout_prob: Share = 0.1
    net_structure_type: Literal[0] = 0
    gap_size: Literal[0] = 0
    num_memory_blocks: Literal[0] = 0
    down_scale_factor: Literal[1] = 1


class DebertaV2(_Layers):
    """DeBERTa version 2 and 3: attention over content and relative position."""

    layer_norm_eps: Epsilon = 1e-7
    type_vocab_size: Kinds | Literal[0] = 0
    embedding_size: Size | None = None
    relative_attention: bool = False
    max_relative_positions: Distance = -1
    position_buckets: Distance = -1
    norm_rel_ebd: Literal["none", "layer_norm"] = "none"
    share_att_key: bool = False
    position_biased_input: bool = True
    pos_att_type: list[Literal["c2p", "p2c"]] | Literal["c2p", "p2c", "c2p|p2c", "p2c|c2p"] | None = None
    attention_head_size: Size | None = None
    conv_kernel_size: Annotated[int, Field(ge=0, le=63)] = 0
    conv_groups: Count = 1
    conv_act: Activation | Literal["tanh"] = "tanh"
    pooler_dropout: Share = 0.0
    pooler_hidden_act: Activation | Literal["tanh"] = "gelu"
    pooler_hidden_size: Size | None = None
    legacy: bool = True


class Rope(Settings):
    """Rotary positions of one kind of attention."""

    rope_type: Literal["default"] = "default"
    rope_theta: Theta = 10_000.0


class ModernBert(Architecture):
    """ModernBERT: rotary positions, attention over a window in most layers."""

    names: ClassVar[dict[str, str]] = {
        "hidden_act": "hidden_activation",
        "layer_norm_eps": "norm_eps",
        "hidden_dropout_prob": "mlp_dropout",
        "attention_probs_dropout_prob": "attention_dropout",
    }
    hidden_size: Size
    num_hidden_layers: Count
    num_attention_heads: Count
    intermediate_size: Size
    hidden_activation: Activation = "gelu"
    norm_eps: Epsilon = 1e-5
    layer_norm_eps: Epsilon = 1e-5
    position_embedding_type: Literal["absolute"] = "absolute"
    norm_bias: bool = False
    pad_token_id: TokenId = 50_283
    attention_bias: bool = False
    attention_dropout: Share = 0.0
    embedding_dropout: Share = 0.0
    mlp_bias: bool = False
    mlp_dropout: Share = 0.0
    local_attention: Size = 128
    global_attn_every_n_layers: Count = 3
    layer_types: Annotated[list[Literal["full_attention", "sliding_attention"]], Field(max_length=512)] | None = None
    global_rope_theta: Theta | None = None
    local_rope_theta: Theta | None = None
    rope_parameters: dict[Literal["full_attention", "sliding_attention"], Rope] | None = None


ARCHITECTURES: dict[str, type[Architecture]] = {
    "albert": Albert,
    "bert": Bert,
    "camembert": Roberta,
    "deberta-v2": DebertaV2,
    "distilbert": DistilBert,
    "electra": Electra,
    "modernbert": ModernBert,
    "mpnet": MpNet,
    "roberta": Roberta,
    "xlm-roberta": Roberta,
}
"""``model_type`` of a config.json to what it may say."""

_SHAPE = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "vocab_size",
    "max_position_embeddings",
    "type_vocab_size",
    "hidden_act",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "layer_norm_eps",
    "pad_token_id",
    "embedding_size",
)

NOTES = frozenset(
    """
    _attn_implementation_autoset _commit_hash _name_or_path _num_labels architectures attention_head_size
    bos_token_id causal_mask chunk_size_feed_forward classifier_activation classifier_bias classifier_dropout
    classifier_pooling cls_dropout cls_token_id cross_attention_hidden_size decoder_bias
    deterministic_flash_attn directionality dtype eos_token_id finetuning_task gradient_checkpointing id2label
    initializer_cutoff_factor initializer_factor initializer_range label2id language layer_norm_epsilon
    mask_token_id max_seq_length model_max_length name num_labels output_attentions output_hidden_states
    output_past pooler_fc_size pooler_num_attention_heads pooler_num_fc_layers pooler_size_per_head pooler_type
    problem_type qa_dropout reference_compile repad_logits_with_grad return_dict sep_token_id
    seq_classif_dropout sparse_pred_ignore_index sparse_prediction summary_activation summary_last_dropout
    summary_type summary_use_proj task_specific_params tie_encoder_decoder tie_weights_ tie_word_embeddings
    tokenizer_class torch_dtype torchscript transformers_version unk_token_id use_cache
    """.split()
)
"""Keys that say nothing about the encoder; they are dropped before any library sees the config."""
