"""The engine alone: texts tokenised beforehand, encoder and head over all of them; prints JSON."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from benchmarks.rows import read_rows

from tunesmith.bundle.load import load_bundle
from tunesmith.data.tokenize import tokenize
from tunesmith.machine.threads import set_threads
from tunesmith.runtimes.torch import logits


def main() -> None:
    """Answer the file's texts and print how many a second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    flags = parser.parse_args()
    set_threads(flags.threads)
    model = load_bundle(flags.model).predictor.model  # type: ignore[attr-defined]
    tokens = tokenize(read_rows(flags.texts).texts, model.tokenizer, max_seq_length=model.max_seq_length)
    logits(model.classifier, tokens.select(np.arange(min(256, tokens.n_rows))))
    started = time.perf_counter()
    logits(model.classifier, tokens)
    seconds = time.perf_counter() - started
    print(
        json.dumps({"seconds": seconds, "texts_per_second": tokens.n_rows / seconds, "tokens": len(tokens.input_ids)})
    )


if __name__ == "__main__":
    main()
