"""Resolving a recipe: names looked up and options checked before any data is read."""

from __future__ import annotations

import pytest

from tunesmith.config.recipe import load_recipe
from tunesmith.errors import ConfigError
from tunesmith.ladder.resolve import resolve
from tunesmith.ladder.rungs import RUNGS
from tunesmith.models.methods import topk
from tunesmith.models.networks import NETWORKS
from tunesmith.train.optimisers import OPTIMISERS


def resolved(*sets: str) -> object:
    return resolve(load_recipe(None, list(sets), {}))


def test_rungs_come_in_the_order_of_the_ladder_with_what_they_start_from() -> None:
    """Asked for finetune alone, the probe is climbed first, and that is said."""
    found = resolve(load_recipe(None, ["ladder.rungs=['refine','linear']"], {}))
    assert [rung.name for rung in found.rungs] == ["linear", "probe", "finetune", "refine"]
    assert any("finetune starts from probe" in note for note in found.notes)


@pytest.mark.parametrize(
    ("sets", "told"),
    [
        (["ladder.rungs=['selftrain']"], "selftrain learns from texts without labels; name a file of them"),
        (["data.unlabelled=more.csv", "run.task=score"], "in the task score; allowed in: binary, single_label"),
    ],
)
def test_texts_without_labels_and_what_learns_from_them_come_together(sets: list[str], told: str) -> None:
    """One without the other is told before any file is read."""
    with pytest.raises(ConfigError, match=told):
        resolved(*sets)


def test_all_rungs_are_those_that_have_what_they_learn_from() -> None:
    """Who asks for all of them need not give texts without labels."""
    for sets in ([], ["data.unlabelled=more.csv"]):
        found = resolve(load_recipe(None, ["ladder.rungs=all", *sets], {}))
        assert ("selftrain" in [rung.name for rung in found.rungs]) is bool(sets)


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ("ladder.rungs=['prob']", "did you mean 'probe'"),
        ("ladder.metric=acuracy", "did you mean 'accuracy'"),
        ("rung.finetune.learning_rat=0.1", r"nearest: rung\.finetune\.learning_rate"),
        ("rung.finetune.learning_rate=-1.0", "greater than 0"),
        ("rung.finetune.optimiser=adamm", "did you mean 'adam"),
        ("rung.finetune.loss_options.gama=1.0", "gama is not a known key"),
        ("rung.fintune.epochs=1.0", "did you mean 'finetune'"),
        ("run.task=single", "did you mean 'single_label'"),
    ],
)
def test_a_wrong_name_or_value_is_told_with_what_is_allowed(item: str, told: str) -> None:
    """Each wrong setting names its key and the nearest right one; a long line is wrapped."""
    with pytest.raises(ConfigError, match=told.replace(" ", r"\s+")):
        resolved(item)


def test_problems_of_several_rungs_are_told_together() -> None:
    """One error lists them all."""
    with pytest.raises(ConfigError, match="3 settings are wrong"):
        resolved("rung.finetune.epochs=-1.0", "rung.probe.n_folds=1", "ladder.metric=f2")


@pytest.mark.parametrize("budget", ["-3", "0", "soon"])
def test_a_budget_that_is_none(budget: str) -> None:
    """A negative budget, zero or nonsense is refused by its value."""
    with pytest.raises(ConfigError, match=budget):
        resolved(f"ladder.budget='{budget}'")


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ("rung.finetune.epochs=-1.0", r"rung\.finetune\.epochs = -1\.0"),
        ("rung.finetune.epoch=1.0", r"nearest: rung\.finetune\.epochs"),
        ("rung.refine.loss=focall", r"did you\s+mean\s+'focal'"),
        ("rung.refine.schedule_options.warmup=0.1", r"nearest: rung\.refine\.schedule_options\.warmup_ratio"),
        ("rung.probe.poolings=['meen']", "did you mean 'mean'"),
    ],
)
def test_options_of_a_rung_that_is_not_climbed_are_checked(item: str, told: str) -> None:
    """What is wrong now would be met when the rung is climbed, maybe hours later by somebody else."""
    with pytest.raises(ConfigError, match=told):
        resolved("ladder.rungs=['linear']", item)


def test_problems_of_every_part_are_told_in_one_error() -> None:
    """Rungs, figure, options and budget; a budget alone says most of what it can be."""
    wrong = ["ladder.rungs=['prob']", "ladder.metric=f2", "rung.finetune.epochs=-1.0", "rung.prob.n_folds=2"]
    with pytest.raises(ConfigError, match="5 settings are wrong") as caught:
        resolved(*wrong, "ladder.budget=soon")
    for told in (
        "ladder.rungs = 'prob'",
        "ladder.metric = 'f2'",
        "rung.finetune.epochs",
        "rung = 'prob'",
        "ladder.budget",
    ):
        assert told in (caught.value.found or "")
    with pytest.raises(ConfigError, match="bad-budget"):
        resolved("rung.finetune.epochs=1.0", "ladder.budget=soon")


def test_a_task_that_is_unknown_hides_nothing_that_can_be_known() -> None:
    """Which rungs and figures it has is open, but options and budget are wrong whatever the task."""
    with pytest.raises(ConfigError, match="3 settings are wrong") as caught:
        resolved("run.task=single", "rung.finetune.epochs=-1.0", "ladder.budget=soon")
    for told in ("run.task = 'single'", "rung.finetune.epochs", 'ladder.budget = "soon"', "none for no limit"):
        assert told in (caught.value.found or "")


@pytest.mark.parametrize("poolings", ["mean", "'mean'", "['mean']"])
def test_a_lone_name_needs_no_brackets(poolings: str) -> None:
    """Of rungs as of poolings: who writes one name means a list of it."""
    found = resolved(f"rung.probe.poolings={poolings}", "ladder.rungs=probe")
    assert found.recipe.rung["probe"]["poolings"] == ["mean"]
    assert found.recipe.ladder.rungs == ("probe",)


@pytest.mark.parametrize("poolings", ["[]", "['mean','median']", "median", "3"])
def test_poolings_that_cannot_be_are_refused_by_name(poolings: str) -> None:
    """None at all, one that there is not, alone or among others, or a number."""
    with pytest.raises(ConfigError, match=r"one setting is wrong(.|\n)*rung\.probe\.poolings"):
        resolved(f"rung.probe.poolings={poolings}")


def test_a_pooling_that_learns_is_taken_up_by_the_rungs_around_it() -> None:
    """The probe gives the mean that it begins as, and the second fit can be averaged with the first."""
    found = resolved("rung.finetune.pooling=attention").recipe.rung
    assert found["probe"]["poolings"] == ["mean"]
    assert found["refine"]["pooling"] == found["finetune"]["pooling"] == "attention"


@pytest.mark.parametrize(
    ("items", "told"),
    [
        (["rung.finetune.pooling=attention", "rung.probe.poolings=['mean','max']"], "begins as the mean"),
        (["rung.finetune.pooling=attention", "rung.refine.pooling=probe"], r"allowed:\s+the\s+same"),
        (["rung.refine.pooling=attention"], r"allowed:\s+the\s+same"),
        (["rung.probe.poolings=attention"], r"rung\.probe\.poolings = 'attention'"),
    ],
)
def test_poolings_that_do_not_go_together_are_refused(items: list[str], told: str) -> None:
    """Before a minute is spent on a probe whose head fits nothing."""
    with pytest.raises(ConfigError, match=told):
        resolved(*items)


def test_the_resolved_recipe_has_every_option_written_out() -> None:
    """Those left at their defaults too, and those of the members that a rung names; of rungs not climbed, none."""
    sets = [
        "ladder.rungs=['finetune']",
        "rung.finetune.loss=focal",
        "rung.finetune.epochs=2.0",
        "rung.refine.epochs=1.0",
    ]
    found = resolve(load_recipe(None, [*sets, "rung.finetune.schedule_options.warmup_ratio=0.3"], {})).recipe.rung
    assert found.keys() == {"probe", "finetune"}
    for name, values in found.items():
        assert values.keys() == RUNGS.member(name).Options.model_fields.keys()
    pairings = ["symmetric", "ordered"]
    assert found["probe"] == {"poolings": ["mean", "max"], "pairings": pairings, "n_folds": 5, "features": "auto"}
    finetune = found["finetune"]
    assert (finetune["loss"], finetune["epochs"], finetune["patience"]) == ("focal", 2.0, 3)
    assert finetune["loss_options"] == {"gamma": 2.0}
    assert finetune["schedule_options"] == {"warmup_ratio": 0.3}
    assert finetune["optimiser_options"] == OPTIMISERS.options("adamw").model_dump()
    assert finetune["optimiser_options"], "an optimiser without options would prove nothing"


def test_a_resolved_recipe_resolves_to_itself() -> None:
    """Whoever takes the recipe of a model runs the same again."""
    recipe = resolve(load_recipe(None, ["ladder.rungs=['refine']", "rung.refine.loss=label_smoothing"], {})).recipe
    flags = {f"rung.{name}": values for name, values in recipe.rung.items()}
    again = load_recipe(None, ["ladder.rungs=['refine']"], flags)
    assert resolve(again).recipe == recipe


def test_a_second_fit_is_like_the_first_where_nothing_else_is_asked_of_it() -> None:
    """Options that were given to the first hold for both; those of another loss than the first's do not."""
    sets = ["rung.finetune.epochs=2.0", "rung.finetune.loss=focal", "rung.finetune.loss_options.gamma=1.0"]
    alike = resolved(*sets).recipe.rung
    assert alike["refine"] == alike["finetune"]
    other = resolved(*sets, "rung.refine.loss=cross_entropy", "rung.refine.epochs=3.0").recipe.rung["refine"]
    assert (other["epochs"], other["loss"], other["loss_options"]) == (3.0, "cross_entropy", {})


@pytest.mark.parametrize(
    ("items", "rates"),
    [
        (["finetune.optimiser=sgd"], (0.02, 0.1)),
        (["finetune.optimiser=adadelta", "finetune.method=lora"], (1.0, 1.0)),
        (["finetune.optimiser=sgd", "finetune.learning_rate=3e-3", "finetune.head_learning_rate=0.0"], (3e-3, 0.0)),
        (["finetune.method=lora"], (2e-3, 1e-3)),
    ],
)
def test_an_optimiser_has_rates_that_suit_it(items: list[str], rates: tuple[float, float]) -> None:
    """Unless others are asked for; in a second fit too, and in a network from scratch."""
    found = resolved(*(f"rung.{item}" for item in items)).recipe.rung
    for rung in ("finetune", "refine"):
        assert (found[rung]["learning_rate"], found[rung]["head_learning_rate"]) == pytest.approx(rates)
    recipe = resolve(load_recipe(None, ["ladder.rungs=['cnn']", "rung.cnn.optimiser=adagrad"], {})).recipe
    assert recipe.rung["cnn"]["learning_rate"] == pytest.approx(5 * NETWORKS.member("cnn").LEARNING_RATE)


@pytest.mark.parametrize(
    ("items", "told"),
    [
        (["finetune.method=adalora", "refine.ema_decay=0.99"], r"rung\.refine\.method = 'adalora' takes ranks away"),
        (["finetune.method=adalora", "refine.optimiser=schedule_free"], r"rung\.refine\.method = 'adalora' takes"),
        (
            ["finetune.optimiser=schedule_free", "refine.ema_decay=0.99"],
            r"rung\.refine\.ema_decay: schedule_free keeps",
        ),
        (
            ["finetune.ema_decay=0.99", "refine.optimiser=schedule_free"],
            r"rung\.refine\.ema_decay: schedule_free keeps",
        ),
        (["finetune.optimiser=sgd", "refine.optimiser_options.beta1=0.5"], r"rung\.refine\.optimiser_options\.beta1"),
        (["finetune.loss_options.gamma=1.0"], r"rung\.finetune\.loss_options\.gamma is not a known key"),
    ],
)
def test_a_second_fit_is_checked_with_what_it_takes_over(items: list[str], told: str) -> None:
    """And the options of a loss that follows from the task are told by their key."""
    with pytest.raises(ConfigError, match=told):
        resolved(*(f"rung.{item}" for item in items))


def test_options_of_what_a_second_fit_takes_over_are_its_own() -> None:
    """They are those of the first fit's optimiser and method, not of the defaults."""
    sets = ["rung.finetune.optimiser=sgd", "rung.finetune.method=lora", "rung.finetune.method_options.rank=8"]
    own = ["rung.refine.optimiser_options.momentum=0.5", "rung.refine.method_options.rank=8"]
    found = resolved(*sets, *own).recipe.rung["refine"]
    assert (found["optimiser"], found["optimiser_options"]["momentum"]) == ("sgd", 0.5)
    assert (found["method"], found["method_options"]["rank"]) == ("lora", 8)


def test_a_method_brings_its_own_rates() -> None:
    """Written out in the recipe, unless a rate is asked for."""
    found = resolved("rung.finetune.method=topk", "rung.finetune.layer_decay=0.5").recipe.rung["finetune"]
    assert (found["method"], found["method_options"]) == ("topk", {"layers": 2})
    assert (found["learning_rate"], found["layer_decay"]) == (topk.LEARNING_RATE, 0.5)


@pytest.mark.parametrize(
    ("items", "told"),
    [
        (["rung.refine.method=topk"], r"rung\.refine\.method = 'topk' is averaged with"),
        (["rung.finetune.method=topk", "rung.refine.method_options.layers=1"], r"rung\.refine\.method_options"),
        (["rung.finetune.method=topp"], "did you mean 'topk'"),
        (["rung.finetune.method=topk", "rung.finetune.method_options.layer=1"], r"nearest: .*method_options\.layers"),
    ],
)
def test_methods_that_cannot_be_are_refused(items: list[str], told: str) -> None:
    """Names, options, and two fits whose weights have no mean."""
    with pytest.raises(ConfigError, match=told):
        resolved(*items)
