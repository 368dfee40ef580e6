"""Models x grid x difficulties: who takes part, what they are called, which setting wins."""

from __future__ import annotations

import pytest

from seqlab.comparison.design import Design, draw_up
from seqlab.comparison.entrants import Entrant, parse_grid
from seqlab.errors import SeqlabError, UsageError


def entrants(*models: str, **design: object) -> list[Entrant]:
    return draw_up(Design("temporal-order", models, (1,), **design)).entrants  # type: ignore[arg-type]


def test_a_grid_is_laid_over_every_model() -> None:
    found = entrants(
        "rnn", "gru", grid=parse_grid(["training.learning_rate=1e-3,3e-3", "model.hidden_size=4,8"])
    )
    assert [one.label for one in found][:4] == [
        "rnn[hidden_size=4] learning_rate=1e-3",
        "rnn[hidden_size=8] learning_rate=1e-3",
        "rnn[hidden_size=4] learning_rate=3e-3",
        "rnn[hidden_size=8] learning_rate=3e-3",
    ]
    assert len(found) == 8
    last = found[-1].experiment
    assert (last.model.name, last.model.options["hidden_size"], last.training.learning_rate) == (
        "gru",
        8,
        0.003,
    )


def test_keys_that_end_alike_are_shown_in_full() -> None:
    (one,) = entrants("rnn", grid={"training.evaluate_every": ["5"], "training.steps": ["7"]})
    assert one.label == "rnn evaluate_every=5 steps=7"
    with pytest.raises(UsageError):
        entrants("rnn", grid={"training.steps": ["7"], "other.steps": ["8"]})  # no such setting


def test_a_ladder_has_every_model_on_every_level_with_the_level_s_preset() -> None:
    found = entrants("lstm", "gru", difficulties=("easy", "hard"))
    assert [(one.level, one.label) for one in found] == [
        ("easy", "lstm"), ("easy", "gru"), ("hard", "lstm"), ("hard", "gru")
    ]  # fmt: skip
    assert [one.experiment.task.options["difficulty"] for one in found] == ["easy", "easy", "hard", "hard"]
    assert [one.experiment.model.options["chrono"] for one in found] == [10, 10, 110, 110]


def test_one_difficulty_is_no_ladder() -> None:
    (one,) = entrants("lstm", difficulties=("hard",))
    assert (one.level, one.experiment.task.options["difficulty"]) == (None, "hard")


def test_the_experiment_s_own_options_stay_with_its_model_and_others_take_those_meant_for_them() -> None:
    lstm, gru, mine = entrants("lstm[hidden_size=8]", "gru", "gru[start=uniform]")
    assert (lstm.experiment.model.options["chrono"], lstm.experiment.model.options["hidden_size"]) == (10, 8)
    assert (gru.experiment.model.options["chrono"], gru.experiment.model.options["start"]) == (
        10,
        "orthogonal",
    )
    assert (mine.experiment.model.options["chrono"], mine.experiment.model.options["start"]) == (
        10,
        "uniform",
    )


def test_brackets_stand_over_settings_for_all() -> None:
    plain, own = entrants("rnn", "rnn[hidden_size=8]", overrides=("model.hidden_size=4",))
    assert [one.experiment.model.options["hidden_size"] for one in (plain, own)] == [4, 8]


def test_labels_stand_in_for_names() -> None:
    found = entrants("rnn[nonlinearity=relu]", "rnn", labels=("relu", "tanh"))
    assert [(one.label, one.experiment.model.options["nonlinearity"]) for one in found] == [
        ("relu", "relu"), ("tanh", "tanh")
    ]  # fmt: skip
    with pytest.raises(UsageError, match="2 models, but 1 label"):
        entrants("rnn", "gru", labels=("one",))


@pytest.mark.parametrize("word", ["training.steps", "training.steps=", "=1,2", "a b=1", "training.steps=1,1"])
def test_what_is_no_grid_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="--grid"):
        parse_grid([word])


def test_commas_inside_a_list_separate_no_values() -> None:
    assert parse_grid(["task.sizes=[1,2],[3]"]) == {"task.sizes": ["[1,2]", "[3]"]}


@pytest.mark.parametrize(
    ("models", "design", "said"),
    [
        (("rnn", "lsmt"), {}, "Did you mean 'lstm'"),
        (("rnn", "rnn"), {}, "twice"),
        (("rnn", "lstm[hiden_size=3]"), {}, "hidden_size"),
        (("rnn", "lstm["), {}, "lstm["),
        (("rnn",), {"difficulties": ("easy", "esay")}, "esay"),
        (("rnn",), {"difficulties": ("easy", "easy")}, "twice"),
        (("rnn",), {"grid": {"model.forget_bias": ["1"]}}, "forget_bias"),
        (("rnn",), {"same_width": True}, "--match-parameters"),
    ],
)
def test_wrong_wishes_are_refused(models: tuple[str, ...], design: dict[str, object], said: str) -> None:
    with pytest.raises(SeqlabError) as caught:
        entrants(*models, **design)
    assert said in str(caught.value)


def test_only_experiments_that_train_one_model_can_be_compared_on() -> None:
    with pytest.raises(UsageError, match="vanishing-gradient"):
        draw_up(Design("vanishing-gradient", ("rnn",), (1,)))
