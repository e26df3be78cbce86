"""Each text tokenised once and encoded once by the base model; features wait on disk for whoever needs them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tunesmith.data.check import Finding, check_pieces
from tunesmith.data.joined import tokens_of
from tunesmith.data.tokenize import TokenSet
from tunesmith.files.tensors import load_arrays, save_tensors
from tunesmith.models.adaptation import Adaptation, adapted
from tunesmith.models.base import BaseModel
from tunesmith.models.encoder_config import EncoderConfig, read_encoder_config
from tunesmith.models.encoders import Encoder, load_encoder
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.flops import forward_flops
from tunesmith.models.methods import Method
from tunesmith.models.quantized_encoder import quantize_encoder
from tunesmith.models.tokenizers import load_tokenizer, max_seq_length
from tunesmith.runtimes.allocator import give_back_freed_memory
from tunesmith.runtimes.ranges import watched
from tunesmith.runtimes.torch import encode_poolings
from tunesmith.types import Text, as_one

_SAMPLED_TEXTS = 2000
_FLOP_OF_A_PIECE = 1e13  # about a minute of two cores


class EncodedTexts:
    """The rows of a run as the base model sees them.

    Args:
        base: The pretrained encoder.
        texts: Prepared texts or pairs, one a row.
        folder: Where features are kept between rungs and across a resumed run.
        device: Where the encoder computes.
        joins: Read both texts of a pair in one sequence.
        beside: Other texts for the same base, whose encoder these share; None where there are none.
    """

    def __init__(
        self,
        base: BaseModel,
        texts: Sequence[Text],
        folder: Path,
        *,
        device: str = "cpu",
        joins: bool = False,
        beside: EncodedTexts | None = None,
    ) -> None:
        self.base = base
        self.joins = joins
        self._device = device
        self._texts = texts
        self._folder = folder
        self._beside = beside
        self._rounded: Encoder | None = None
        self._encoded_s = self._encoded_flop = 0.0

    @property
    def encode_gflops(self) -> float | None:
        """Rate of passes over texts in float32, once some were encoded in this life of the run."""
        return self._encoded_flop / self._encoded_s / 1e9 if self._encoded_s else None

    @cached_property
    def config(self) -> EncoderConfig:
        """The encoder's shape."""
        return read_encoder_config(self.base.folder)

    @cached_property
    def max_seq_length(self) -> int:
        """Tokens of one window."""
        return max_seq_length(self.base.folder, self.config)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The base's, which every model of the run shares."""
        return load_tokenizer(self.base.folder) if self._beside is None else self._beside.tokenizer

    @cached_property
    def tokens(self) -> TokenSet:
        """All rows as tokens; longer texts as windows."""
        return tokens_of(self._texts, self.tokenizer, max_seq_length=self.max_seq_length, joins=self.joins)

    def unfit(self) -> Finding | None:
        """Say whether the base model's vocabulary does not know these texts' language, by a sample of them.

        Returns:
            The finding, or None where it knows them well enough.
        """
        sample = self._texts[:: 1 + len(self._texts) // _SAMPLED_TEXTS]
        return check_pieces(list(map(as_one, sample)), self.tokenizer)

    @cached_property
    def encoder(self) -> Encoder:
        """The pretrained encoder; every model that does not train it shares it."""
        if self._beside is not None:
            return self._beside.encoder
        return load_encoder(self.base.folder, self.config).to(self._device)

    def rounded(self, rows: NDArray[np.int64]) -> Encoder:
        """Give the frozen encoder in whole numbers of 8 bits; made once, and of the flat engine alone.

        Args:
            rows: Those that tell between which values its linear maps read, ascending, ``[B]``.

        Returns:
            The encoder, ready to run.
        """
        if self._rounded is None:
            encoder = self.encoder
            assert isinstance(encoder, FlatEncoder), "other engines have no such linear maps"
            with watched(encoder) as seen:
                encode_poolings(encoder, self.tokens.select(rows), ())
            self._rounded = quantize_encoder(encoder, seen)
        return self._rounded

    def copy_encoder(self, method: Method, *, seed: int) -> Adaptation[Encoder]:
        """Copy the pretrained encoder, to be trained.

        Args:
            method: Says what learns; all else stays shared.
            seed: Of the first weights of what the method puts in.

        Returns:
            The copy, and what moves about what may be learnt in it.

        Raises:
            ConfigError: ``method-unfit``, the method has no place in this encoder.
        """
        return adapted(self.encoder, method, seed=seed)

    def features(
        self,
        rows: NDArray[np.int64],
        poolings: Sequence[str],
        progress: Callable[[int, int], None],
        *,
        rounded: Callable[[], Encoder] | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """Encode rows with the frozen base, a minute's work at a time, and keep each on disk for a resumed run.

        Args:
            rows: Which rows, ascending, ``[B]``.
            poolings: Ways to make one vector of a text's tokens, all from one pass.
            progress: Told tokens done and tokens in all.
            rounded: Gives the encoder in whole numbers of 8 bits, asked where something is to be encoded; None for
                float32. What was kept of the one never stands in for the other.

        Returns:
            For each pooling float32 ``[B, H]``, or ``[B, 2, H]`` of pairs; each text's vector of unit length.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        n_tokens = self.tokens.n_tokens[rows].astype(np.int64)
        total, done = int(n_tokens.sum()), 0
        sides = () if self.tokens.side is None else (self.tokens.n_sides,)
        shape = (len(rows), *sides, self.config.hidden_size)
        found = {name: np.empty(shape, dtype=np.float32) for name in poolings}
        for number, places in enumerate(self._pieces(rows)):
            piece = self._piece(
                f"{number:04d}",
                rows[places],
                poolings,
                rounded=rounded,
                progress=partial(_onward, progress, before=done, total=total),
            )
            for name, values in piece.items():
                found[name][places] = values
            done += int(n_tokens[places].sum())
        give_back_freed_memory()
        return found

    def _pieces(self, rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Cut rows where another piece of work is full; the same rows are always cut alike."""
        per_token = forward_flops(self.config, self.tokens.lengths()) / max(len(self.tokens.input_ids), 1)
        before = np.cumsum(self.tokens.n_tokens[rows], dtype=np.int64) - self.tokens.n_tokens[rows]
        piece = before * per_token // _FLOP_OF_A_PIECE
        return np.split(np.arange(len(rows)), np.flatnonzero(np.diff(piece)) + 1)

    def _piece(
        self,
        number: str,
        rows: NDArray[np.int64],
        poolings: Sequence[str],
        *,
        rounded: Callable[[], Encoder] | None,
        progress: Callable[[int, int], None],
    ) -> dict[str, NDArray[np.float32]]:
        """Read one piece of an earlier life, or encode it."""
        path = self._folder / f"{'probe' if rounded is None else 'probe-int8'}-{number}.safetensors"
        if path.is_file():
            kept = load_arrays(path)
            if np.array_equal(kept.pop("rows"), rows) and kept.keys() >= set(poolings):
                return {name: kept[name] for name in poolings}
        tokens = self.tokens.select(rows)
        features = self.encode(tokens, poolings, rounded=None if rounded is None else rounded(), progress=progress)
        save_tensors(path, {"rows": rows, **features})
        return features

    def encode(
        self,
        tokens: TokenSet,
        poolings: Sequence[str],
        *,
        rounded: Encoder | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """Encode texts, and keep nothing but the rate of float32, by which trainings are foreseen.

        Args:
            tokens: The texts.
            poolings: Ways to make one vector of a text's tokens.
            rounded: The encoder in whole numbers of 8 bits; None for float32.
            progress: Told tokens done and tokens in all.

        Returns:
            See ``features``.
        """
        started = time.monotonic()
        found = encode_poolings(self.encoder if rounded is None else rounded, tokens, poolings, progress=progress)
        if rounded is None:
            self._encoded_s += time.monotonic() - started
            self._encoded_flop += forward_flops(self.config, tokens.lengths())
        return {name: _unit(values) for name, values in found.items()}


def _onward(progress: Callable[[int, int], None], done: int, _: int, *, before: int, total: int) -> None:
    """Tell the progress of one piece as that of all."""
    progress(before + done, total)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale each text's vector to length 1 as the classifier does."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: NDArray[np.float32] = vectors / np.maximum(norms, 1e-12)
    return scaled
