"""Memory of a process that has loaded the base model with tunesmith's engine, and nothing more."""

from __future__ import annotations

import json

from benchmarks.fresh import current_mib

from tunesmith.models.base import find_base
from tunesmith.models.encoder_config import read_encoder_config
from tunesmith.models.encoders import load_encoder


def main() -> None:
    """Load the base model and print the resident memory."""
    base = find_base(offline=True)
    encoder = load_encoder(base.folder, read_encoder_config(base.folder))
    print(json.dumps({"loaded_mib": round(current_mib(), 1), "hidden_size": encoder.hidden_size}))


if __name__ == "__main__":
    main()
