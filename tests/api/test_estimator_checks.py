"""scikit-learn's own checks of an estimator: each is run, or it is said why it does not apply to texts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import estimator_checks, get_tags

from tunesmith import TextClassifier, TextRegressor

APPLY = (
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_estimators_partial_fit_n_features",
    "check_estimators_unfitted",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_n_features_in_after_fitting",
    "check_no_attributes_set_in_init",
    "check_non_transformer_estimators_n_iter",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
)
"""Those that ask for no fit, or for none on numbers."""

_NUMBERS = "it fits a table of numbers, which is refused; with texts: tests/api/test_estimator.py, "
_FITS = _NUMBERS + "test_fitting_again_changes_nothing"
_ROWS = _NUMBERS + "test_a_text_is_answered_alike_in_any_company"
_X = _NUMBERS + "test_what_is_no_text_is_refused"
_Y = _NUMBERS + "test_targets_that_are_no_classes_are_refused"
_SEVERAL = _NUMBERS + "test_several_classes_as_an_indicator"
_HELD = _NUMBERS + "test_texts_are_taken_as_they_are_held"
_FEATURES = "texts have no number of features"
DO_NOT_APPLY = {
    "check_fit_score_takes_y": _FITS,
    "check_estimators_overwrite_params": _FITS,
    "check_dont_overwrite_parameters": _FITS,
    "check_estimators_fit_returns_self": _FITS,
    "check_fit_check_is_fitted": _FITS,
    "check_fit_idempotent": _FITS,
    "check_dict_unchanged": _FITS,
    "check_pipeline_consistency": _NUMBERS + "test_a_pipeline",
    "check_methods_sample_order_invariance": _ROWS,
    "check_methods_subset_invariance": _ROWS,
    "check_classifiers_classes": _NUMBERS + "test_classes_come_back_in_their_type",
    "check_classifiers_train": _NUMBERS + "test_classes_come_back_in_their_type",
    "check_decision_proba_consistency": _NUMBERS + "test_what_decides_orders_rows_as_probabilities_do",
    "check_classifiers_multilabel_representation_invariance": _SEVERAL,
    "check_classifiers_multilabel_output_format_predict": _SEVERAL,
    "check_classifiers_multilabel_output_format_predict_proba": _SEVERAL,
    "check_classifiers_multilabel_output_format_decision_function": _SEVERAL,
    "check_classifiers_one_label": "one class alone teaches nothing and is refused: " + _Y,
    "check_classifiers_one_label_sample_weights": "fit takes no weights",
    "check_classifiers_regression_target": _Y,
    "check_supervised_y_no_nan": _Y,
    "check_supervised_y_2d": _Y,
    "check_requires_y_none": _Y,
    "check_regressors_train": _NUMBERS + "test_numbers",
    "check_regressors_int": _NUMBERS + "test_numbers",
    "check_regressors_no_decision_function": _NUMBERS + "test_numbers",
    "check_estimators_dtypes": _X,
    "check_complex_data": _X,
    "check_dtype_object": _X,
    "check_estimators_empty_data_messages": _X,
    "check_estimator_sparse_tag": _X,
    "check_estimator_sparse_array": _X,
    "check_estimator_sparse_matrix": _X,
    "check_fit1d": _X,
    "check_fit2d_1sample": _X,
    "check_fit2d_1feature": _X,
    "check_fit2d_predict1d": _X,
    "check_positive_only_tag_during_fit": _X,
    "check_classifier_data_not_an_array": _HELD,
    "check_regressor_data_not_an_array": _HELD,
    "check_readonly_memmap_input": "it maps numbers from a file; texts are objects, which cannot be mapped",
    "check_f_contiguous_array_estimator": "the order of numbers in memory; texts have none",
    "check_array_api_input": "the array API has no type for texts",
    "check_n_features_in": _FEATURES,
    "check_estimators_pickle": "a fitted one is never pickled: tests/api/test_estimator.py, "
    "test_a_fitted_one_is_not_pickled",
}
"""Check to the reason."""


def made(kind: type[Any]) -> Any:
    """An estimator that fits in no time."""
    return kind(rungs=("linear",), threads=1, budget="none")


def checks(kind: type[Any]) -> dict[str, Callable[[Any], None]]:
    """All checks that scikit-learn has for an estimator of a kind that takes tables, by their names."""

    class OfTables(kind):  # type: ignore[misc, valid-type]
        def __sklearn_tags__(self) -> Any:
            tags = super().__sklearn_tags__()
            tags.input_tags.two_d_array = True
            return tags

    found: dict[str, Callable[[Any], None]] = {}
    for _, check in estimator_checks.estimator_checks_generator(made(OfTables)):
        plain: Any = check
        while isinstance(plain, partial) or hasattr(plain, "__wrapped__"):
            plain = plain.func if isinstance(plain, partial) else plain.__wrapped__
        found.setdefault(plain.__name__, check)
    return found


@pytest.mark.parametrize("kind", [TextClassifier, TextRegressor])
def test_every_check_is_known(kind: type[Any]) -> None:
    """None is passed over without a word, also of those that a later version of scikit-learn adds."""
    found = checks(kind).keys()
    assert len(found) > 40
    assert found <= {*APPLY, *DO_NOT_APPLY}
    assert not DO_NOT_APPLY.keys() & {*APPLY}
    assert {*APPLY} <= found


def test_every_check_that_does_not_apply_does_not() -> None:
    """A reason that holds no more is found: what needs no numbers by itself is run."""
    with_texts = [reason.rpartition(", ")[2] for reason in DO_NOT_APPLY.values() if "test_estimator.py" in reason]
    from tests.api import test_estimator

    assert [name for name in with_texts if not hasattr(test_estimator, name)] == []


@pytest.mark.parametrize("kind", [TextClassifier, TextRegressor])
@pytest.mark.parametrize("name", APPLY)
def test_scikit_learns_check(kind: type[Any], name: str) -> None:
    """On the estimator as it is."""
    checks(kind)[name](made(kind))


def test_tags() -> None:
    """Texts in one axis, missing ones allowed; a classifier of several labels too, and a regressor."""
    for kind in (TextClassifier, TextRegressor):
        given = get_tags(kind()).input_tags
        assert (given.string, given.one_d_array, given.two_d_array, given.allow_nan) == (True, True, False, True)
    assert is_classifier(TextClassifier())
    assert get_tags(TextClassifier()).classifier_tags.multi_label
    assert is_regressor(TextRegressor())
