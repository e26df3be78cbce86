"""Figures of METRICS in words: one table of what they are called, how they are written and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tunesmith.types import JSON, Interval


@dataclass(frozen=True, slots=True)
class FigureStyle:
    """How one figure is told."""

    words: str
    """Its name inside a sentence."""
    meaning: str
    """What it is, for a reader who has not met it."""
    is_share: bool = True
    """Whether it is told in percent."""
    unit: str = ""
    """Of a figure that is not a share."""

    @property
    def title(self) -> str:
        """Its name at the head of a column or a line."""
        return self.words[0].upper() + self.words[1:]

    def told(self, value: float) -> str:
        """Write a value.

        Args:
            value: As METRICS has it.

        Returns:
            Percent with one decimal, or three decimals with the unit.

        Example:
            >>> STYLES["accuracy"].told(0.934), STYLES["log_loss"].told(0.25)
            ('93.4 %', '0.250 nats')
        """
        if self.is_share:
            return f"{100.0 * value:.1f} %"
        return f"{value:.3f} {self.unit}" if self.unit else f"{value:.3f}"

    def span(self, figure: Interval) -> str:
        """Write the ends of an interval.

        Args:
            figure: As METRICS has it.

        Returns:
            Both ends without a unit.

        Example:
            >>> STYLES["accuracy"].span(Interval(0.9, 0.8, 0.95))
            '80.0 to 95.0'
        """
        scale, digits = (100.0, 1) if self.is_share else (1.0, 3)
        return f"{scale * figure.low:.{digits}f} to {scale * figure.high:.{digits}f}"


STYLES: Mapping[str, FigureStyle] = {
    "accuracy": FigureStyle("accuracy", "rows answered right"),
    "macro_f1": FigureStyle("macro-F1", "mean F1, each label counting alike"),
    "micro_f1": FigureStyle("micro-F1", "F1 over all labels of all rows together"),
    "weighted_f1": FigureStyle("weighted F1", "mean F1, each label counting by its rows"),
    "macro_recall": FigureStyle("macro recall", "mean recall, each label counting alike"),
    "mcc": FigureStyle("MCC", "Matthews correlation: 1 perfect, 0 guessing", is_share=False),
    "log_loss": FigureStyle("log loss", "lower is better", is_share=False, unit="nats"),
    "ece": FigureStyle("calibration error (ECE)", "mean distance of probabilities from the share that is right"),
    "spearman": FigureStyle("rank correlation", "Spearman's: 1 the same order, 0 none", is_share=False),
    "pearson": FigureStyle("linear correlation", "Pearson's: 1 on a line, 0 none", is_share=False),
    "r2": FigureStyle("R²", "share of the spread that is explained: 1 all, 0 no more than by the mean", is_share=False),
    "mae": FigureStyle("mean error", "mean absolute distance from the right number", is_share=False),
    "rmse": FigureStyle("root mean square error", "large errors count more", is_share=False),
    "subset_accuracy": FigureStyle("subset accuracy", "rows of which every label is answered right"),
    "lrap": FigureStyle("label ranking precision", "how far the row's labels are ranked before others"),
    "hamming_loss": FigureStyle("Hamming loss", "share of all yes and no that are wrong"),
    "roc_auc": FigureStyle("ROC-AUC", "chance that a positive row is ranked before a negative", is_share=False),
    "pr_auc": FigureStyle("PR-AUC", "mean precision over all thresholds", is_share=False),
    "precision": FigureStyle("precision", "of the rows answered positive, those that are"),
    "recall": FigureStyle("recall", "of the positive rows, those answered so"),
    "f1": FigureStyle("F1", "balance of precision and recall of the positive class"),
    "within_one": FigureStyle("within one level", "rows answered at most one level off"),
    "kappa": FigureStyle("weighted kappa", "agreement beyond chance, far misses counting more", is_share=False),
}
"""By their names in the machine output."""


def style_of(name: str) -> FigureStyle:
    """Give the style of a figure, of one that has none too.

    Args:
        name: As METRICS has it.

    Returns:
        Its style.

    Example:
        >>> style_of("macro_f1").words, style_of("new_figure").words
        ('macro-F1', 'new figure')
    """
    return STYLES.get(name) or FigureStyle(name.replace("_", " "), "", is_share=False)


def figure_of(metrics: Mapping[str, JSON], name: str) -> Interval | None:
    """Read one figure of METRICS.

    Args:
        metrics: METRICS.
        name: Of the figure.

    Returns:
        The figure, or None where it is not there or has no uncertainty: then it is not to be shown.

    Example:
        >>> figure_of({"accuracy": {"value": 0.9, "low": 0.8, "high": 0.95}}, "accuracy")
        Interval(value=0.9, low=0.8, high=0.95)
    """
    value = metrics.get(name)
    if not isinstance(value, dict) or not {"value", "low", "high"} <= value.keys():
        return None
    return Interval(value["value"], value["low"], value["high"])
