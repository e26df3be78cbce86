"""scikit-learn's TF-IDF of words and word pairs with a linear classifier, in a process of its own.

Prints one JSON line; the test file is predicted after the clock has stopped.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import joblib
from benchmarks.fresh import current_mib, peak_mib, seconds_since_start
from benchmarks.rows import read_rows
from benchmarks.train_time.scores import scores
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

CLASSIFIERS = {
    "logistic_regression": lambda strength: LogisticRegression(C=strength, max_iter=1000),
    "linear_svc": lambda strength: LinearSVC(C=strength),
}


def parse_flags() -> argparse.Namespace:
    """Read the command line.

    Returns:
        The flags.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--train", "--test", "--out"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--classifier", choices=sorted(CLASSIFIERS), required=True)
    parser.add_argument("--strength", type=float, required=True, help="C: the inverse of the penalty")
    return parser.parse_args()


def main() -> None:
    """Fit, save, evaluate, print."""
    options = parse_flags()
    loaded_mib = current_mib()
    train = read_rows(options.train)
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = make_pipeline(words, CLASSIFIERS[options.classifier](options.strength))
    model.fit(train.texts, train.labels)
    options.out.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, options.out / "model.joblib")
    seconds, cpu_seconds, peak = seconds_since_start(), time.process_time(), peak_mib()
    test = read_rows(options.test)
    measured = {
        "settings": {"classifier": options.classifier, "C": options.strength, "ngram_range": [1, 2]},
        "loaded_mib": round(loaded_mib, 1),
        "epoch": None,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu_seconds, 3),
        "evaluation_seconds": 0.0,
        "peak_mib": round(peak, 1),
        "tokens": None,
    }
    print(json.dumps({**measured, **scores(list(model.predict(test.texts)), test.labels)}))


if __name__ == "__main__":
    main()
