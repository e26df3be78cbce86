"""Any other architecture: the module of transformers, run on one group of equal lengths at a time.

Equal lengths need no padding and no mask, so the outputs are those of the padded computation without its waste. The
config that transformers sees is made of checked keys alone, and nothing is fetched: the weights are already here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from tunesmith.config import Settings
from tunesmith.errors import ArtifactError
from tunesmith.models.added import Added, merged_state
from tunesmith.models.checkpoint import refuse_missing, refuse_shape
from tunesmith.models.encoder import Encoder, refuse_unknown_tokens
from tunesmith.models.encoder_config import EncoderConfig
from tunesmith.models.encoders._roles import role_of
from tunesmith.models.places import Part, Place
from tunesmith.types import PackedTokens

_HEIGHTS = {
    "encoder.rel_embeddings": 0,
    "encoder.LayerNorm": 0,
    "encoder.relative_attention_bias": 0,
    "encoder.conv": 1,
}
"""What DeBERTa and MPNet declare after the layers: tables of positions that all of them read, a part of the first."""


class Options(Settings):
    """The grouped engine has no options."""


class GroupedEncoder(Encoder):
    """An encoder of transformers.

    Args:
        config: The encoder's shape.
        module: The model, its weights loaded.
        has_pooler: Whether the checkpoint came with a pooler; one that transformers made up is not saved.
    """

    def __init__(self, config: EncoderConfig, module: nn.Module, *, has_pooler: bool) -> None:
        super().__init__(config.hidden_size)
        self.config = config
        self.module = module
        self._has_pooler = has_pooler
        for name, parameter in module.named_parameters():
            parameter.requires_grad_(not _is_pooler(name))

    def can_learn(self, name: str) -> bool:
        """Say whether a weight can be trained at all.

        Args:
            name: Of a parameter.

        Returns:
            False of a pooler: nothing here uses it.
        """
        return not _is_pooler(name.removeprefix("module."))

    def forward(self, tokens: PackedTokens) -> Tensor:
        """Encode.

        Args:
            tokens: Sequences end to end, shortest first.

        Returns:
            A vector a token, ``[T, H]``.
        """
        refuse_unknown_tokens(tokens, self.config.vocab_size)
        input_ids = torch.tensor(tokens.input_ids, dtype=torch.int64, device=self.device)
        types = tokens.token_type_ids
        token_types = None if types is None else torch.tensor(types, dtype=torch.int64, device=self.device)
        encoded = []
        for start, count, length in tokens.groups():
            place = slice(start, start + count * length)
            inputs = {"input_ids": input_ids[place].view(count, length)}
            if token_types is not None and self.config.type_vocab_size > 1:
                inputs["token_type_ids"] = token_types[place].view(count, length)
            encoded.append(self.module(**inputs).last_hidden_state.flatten(0, 1))
        return torch.cat(encoded)

    def layer_groups(self) -> list[list[nn.Parameter]]:
        """Sort the parameters by height: the longest list of modules is taken for the layers.

        Returns:
            What is declared before the layers or read by all of them, then each layer; what else is declared after
            them belongs to the last one.
        """
        stack, layers = self._stack()
        groups: list[list[nn.Parameter]] = [[] for _ in range(len(layers) + 1)]
        height = 0
        for name, parameter in self.module.named_parameters():
            if name.startswith(f"{stack}."):
                height = int(name.removeprefix(f"{stack}.").split(".")[0]) + 1
            owner = ".".join(name.split(".")[:2])
            groups[_HEIGHTS.get(owner, height)].append(parameter)
        return groups

    def train(self, mode: bool = True) -> GroupedEncoder:
        """Switch dropout on or off; where whole layers do not learn, nothing below the first that does drops out.

        Args:
            mode: Whether to train.

        Returns:
            Itself.
        """
        super().train(mode)
        if mode and self.n_frozen > 1:
            stack, layers = self._stack()
            for name, part in self.module.named_modules():
                if name and not stack.startswith(name) and not name.startswith(f"{stack}."):
                    part.eval()
            for layer in layers[: self.n_frozen - 1]:
                layer.eval()
        return self

    def _stack(self) -> tuple[str, nn.ModuleList]:
        """Find the layers: the longest list of modules, and its name."""
        lists = [(name, part) for name, part in self.module.named_modules() if isinstance(part, nn.ModuleList)]
        return max(lists, key=lambda found: len(found[1]))

    def set_dropout(self, rate: float) -> None:
        """Drop out by one rate in every module that drops out, and in attention that keeps its rate as a number.

        Args:
            rate: Share of the values that are zeroed, 0..1; what a method has put in keeps its own.
        """
        for module in (module for module in self.module.modules() if not isinstance(module, Added)):
            if isinstance(module, nn.Dropout):
                module.p = rate
            for name in [name for name, value in vars(module).items() if _is_rate(name, value)]:
                setattr(module, name, rate)

    def word_vectors(self) -> Tensor:
        """Give the table of word vectors.

        Returns:
            One row a token of the vocabulary, detached, ``[V, E]``.
        """
        table: Tensor = self.module.get_input_embeddings().weight  # type: ignore[operator]
        return table.detach()

    def hf_state(self) -> dict[str, Tensor]:
        """Give the weights as transformers' ``AutoModel`` names and shapes them.

        Returns:
            Name to tensor, detached; the pooler of the checkpoint among them, where it had one.
        """
        state = merged_state(self.module)
        return {name: tensor for name, tensor in state.items() if self._has_pooler or not _is_pooler(name)}

    def hf_names(self, name: str) -> tuple[str, ...]:
        """Name a weight as transformers does.

        Args:
            name: Of a parameter that came with the checkpoint.

        Returns:
            One name.
        """
        return (name.removeprefix("module."),)

    def places(self) -> list[Place]:
        """List the linear maps and norms of the layers by what they are for.

        Returns:
            Modules that the list of the architecture has, from the bottom up.
        """
        modules = dict(self.module.named_modules())
        found = []
        for name, module in modules.items():
            role = role_of(name, self.config.model_type)
            if role is not None and isinstance(module, nn.Linear | nn.LayerNorm):
                parent, _, attribute = name.rpartition(".")
                found.append(Place(modules[parent], attribute, (Part(name, role, len(module.weight)),)))
        return found


def build(config: EncoderConfig, weights: Mapping[str, Tensor], options: Options) -> GroupedEncoder:
    """Build the encoder around a checkpoint's weights.

    Args:
        config: The encoder's shape.
        weights: Under Hugging Face's names for the bare encoder, float32.
        options: None to set.

    Returns:
        The encoder, every parameter but a pooler's trainable.

    Raises:
        ArtifactError: ``weights-missing``, ``weights-shape``, or ``config-unsupported`` where transformers cannot
            build the architecture.
    """
    del options
    module = _build_module(config)
    expected = module.state_dict()
    refuse_missing(
        [name for name in expected if name not in weights and not _is_pooler(name)], model_type=config.model_type
    )
    state = {name: weights[name] for name in expected if name in weights}
    for name, tensor in state.items():
        refuse_shape(name, tensor.shape, expected[name].shape)
    module.load_state_dict(state, strict=False)
    return GroupedEncoder(config, module, has_pooler=any(_is_pooler(name) for name in state))


def _build_module(config: EncoderConfig) -> nn.Module:
    """Let transformers build the architecture, from checked keys and with nothing to fetch."""
    from transformers import AutoConfig, AutoModel

    keys: dict[str, Any] = {name: value for name, value in config.hf.items() if name != "model_type"}
    try:
        shape = AutoConfig.for_model(config.model_type, **keys)
        module: nn.Module = AutoModel.from_config(shape, attn_implementation="eager")
    except (ValueError, TypeError, ImportError) as error:
        raise ArtifactError(
            "config-unsupported",
            "the installed transformers cannot build this architecture",
            found=f"{config.model_type}: {str(error)[:200]}",
            advice="install a newer transformers, or choose another base model with --base",
        ) from error
    return module


def _is_pooler(name: str) -> bool:
    return name.startswith("pooler.")


def _is_rate(name: str, value: object) -> bool:
    return name.endswith("dropout") and isinstance(value, float)
