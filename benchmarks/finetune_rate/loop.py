"""The training loop alone on honest draws of a file, and the machine's rate before and after it; prints JSON."""

from __future__ import annotations

import argparse
import json
import time
from itertools import islice
from pathlib import Path

import torch
from benchmarks.rows import read_rows

from tunesmith.data.batch import pack, random_draws
from tunesmith.data.tokenize import tokenize
from tunesmith.machine.rates import matmul_rate
from tunesmith.machine.threads import set_threads
from tunesmith.models.base import find_base
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoder_config import read_encoder_config
from tunesmith.models.encoders import load_encoder
from tunesmith.models.flops import training_flops
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.tokenizers import load_tokenizer
from tunesmith.runtimes.allocator import keep_freed_memory
from tunesmith.train.loop import fit_steps
from tunesmith.train.losses import LOSSES
from tunesmith.train.objectives.supervised import Supervised

_WARM_UP = 3


def main() -> None:
    """Take steps with AdamW at a rate of zero: the same work, and no figure depends on what is learnt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch-tokens", type=int, required=True)
    flags = parser.parse_args()
    set_threads(flags.threads)
    keep_freed_memory()
    rows = read_rows(flags.train)
    labels = sorted(set(rows.labels))
    targets = torch.tensor([labels.index(label) for label in rows.labels])
    base = find_base(offline=True)
    config = read_encoder_config(base.folder)
    tokens = tokenize(rows.texts, load_tokenizer(base.folder), max_seq_length=256)
    encoder = load_encoder(base.folder, config)
    encoder.freeze(1)
    head = LinearHead(encoder.hidden_size, len(labels))
    classifier = EncoderClassifier(encoder, "mean", head, unit_length=True).train()
    loss = LOSSES.member("cross_entropy").build(LOSSES.options("cross_entropy"))
    objective = Supervised(classifier, loss, targets)
    trained = [parameter for parameter in classifier.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=0.0, fused=True)
    draws = random_draws(tokens.n_tokens, batch_tokens=flags.batch_tokens, seed=0, epoch=0)
    batches = (pack(tokens, draw) for draw in islice(draws, _WARM_UP + flags.steps))
    steps = fit_steps(objective, batches, optimizer, max_grad_norm=1.0)
    before = matmul_rate()
    for _ in islice(steps, _WARM_UP):
        pass
    started, flops = time.perf_counter(), 0.0
    for step in steps:
        flops += training_flops(config, tokens.select(step.rows).lengths())
    rate = flops / (time.perf_counter() - started) / 1e9
    print(json.dumps({"gflops": rate, "matmul_gflops": [before, matmul_rate()]}))


if __name__ == "__main__":
    main()
