"""Makes the model of one runner, in its environment.

python -m benchmarks.inference.make --engine NAME --variant NAME --checkpoint DIR --train FILE --out DIR --threads 1
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.inference.engines import Sources, engine


def main() -> None:
    """Make it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("engine", "variant"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("checkpoint", "train", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    flags = parser.parse_args()
    engine(flags.engine).make(flags.variant, Sources(flags.checkpoint, flags.train, flags.threads), flags.out)


if __name__ == "__main__":
    main()
