"""Matched widths: parameter counts agree, and what cannot agree is said."""

from __future__ import annotations

import pytest

from seqlab.comparison.design import Design, draw_up
from seqlab.comparison.matching import TOLERANCE, nearest_width, parameters
from seqlab.contracts import Spec
from seqlab.errors import SettingsError
from seqlab.models import build_model, count_parameters
from seqlab.settings import Component

SPEC = Spec("tokens", 8, "classes", 4, causal=False)


@pytest.mark.parametrize("model", ["rnn", "irnn", "lstm", "gru"])
@pytest.mark.parametrize(
    "options", [{"hidden_size": 5}, {"hidden_size": 6, "layers": 2, "bidirectional": True}]
)
def test_parameters_are_counted_without_weights(model: str, options: dict[str, object]) -> None:
    component = Component(name=model, **options)
    assert parameters(component, SPEC) == count_parameters(build_model(component, SPEC, 1))


@pytest.mark.parametrize("width", [12, 37, 64, 200])
def test_widths_are_chosen_so_that_sizes_agree_with_the_largest(width: int) -> None:
    design = Design(
        "temporal-order",
        ("rnn", "lstm", "gru"),
        (1,),
        overrides=(f"model.hidden_size={width}",),
        match_parameters=True,
    )
    rnn, lstm, gru = draw_up(design).entrants
    sizes = [count_parameters(build_model(one.experiment.model, SPEC, 1)) for one in (rnn, lstm, gru)]
    assert sizes[0] == pytest.approx(sizes[1], rel=TOLERANCE)
    assert sizes[2] == pytest.approx(sizes[1], rel=TOLERANCE)
    assert lstm.label == "lstm"  # the largest stays
    assert lstm.experiment.model.options["hidden_size"] == width
    assert rnn.label == f"rnn[hidden_size={rnn.experiment.model.options['hidden_size']}]"
    assert rnn.experiment.model.options["hidden_size"] > width
    assert draw_up(design).notes == []


def test_a_transformer_is_matched_by_sizes_that_its_heads_divide() -> None:
    models = ("lstm[hidden_size=200]", "transformer[heads=3]")
    _, transformer = draw_up(Design("temporal-order", models, (1,), match_parameters=True)).entrants
    chosen = transformer.experiment.model.options["hidden_size"]
    assert transformer.label == f"transformer[heads=3,hidden_size={chosen}]"
    sizes = range(6, 300, 6)
    count = {
        size: parameters(Component(name="transformer", heads=3, hidden_size=size), SPEC) for size in sizes
    }
    target = parameters(Component(name="lstm", hidden_size=200), SPEC)
    assert chosen == min(sizes, key=lambda size: abs(count[size] - target))


def test_what_cannot_agree_is_the_nearest_and_is_said() -> None:
    design = Design(
        "temporal-order", ("lstm", "rnn"), (1,), overrides=("model.hidden_size=1",), match_parameters=True
    )
    lineup = draw_up(design)
    count = {width: parameters(Component(name="rnn", hidden_size=width), SPEC) for width in range(1, 10)}
    target = parameters(Component(name="lstm", hidden_size=1), SPEC)
    chosen = lineup.entrants[1].experiment.model.options["hidden_size"]
    assert chosen == min(count, key=lambda width: abs(count[width] - target))
    (note,) = lineup.notes
    assert f"{count[chosen]:,} parameters" in note
    assert "nearest possible" in note


def test_both_answers_stand_side_by_side() -> None:
    design = Design("temporal-order", ("rnn", "lstm"), (1,), match_parameters=True, same_width=True)
    assert [one.label for one in draw_up(design).entrants] == ["rnn", "rnn[hidden_size=27]", "lstm"]


def test_each_level_and_grid_point_keeps_its_name() -> None:
    design = Design(
        "temporal-order", ("rnn[nonlinearity=relu]", "lstm"), (1,), difficulties=("easy", "hard"),
        grid={"training.learning_rate": ["1e-3", "1e-2"]}, match_parameters=True,
    )  # fmt: skip
    labels = [one.label for one in draw_up(design).entrants if one.level == "hard"]
    assert labels == [
        "rnn[nonlinearity=relu,hidden_size=27] learning_rate=1e-3",
        "rnn[nonlinearity=relu,hidden_size=27] learning_rate=1e-2",
        "lstm learning_rate=1e-3",
        "lstm learning_rate=1e-2",
    ]


def test_a_model_without_width_stays() -> None:
    design = Design(
        "char-shakespeare", ("lstm", "ngram"), (1,), match_parameters=True,
        overrides=("task.corpus=miniature", "model.hidden_size=8"),
    )  # fmt: skip
    with pytest.raises(
        SettingsError, match=r"there is no setting 'model\.hidden_size'"
    ):  # no model of the others has what ngram lacks
        draw_up(design)
    lineup = draw_up(
        Design(
            "char-shakespeare",
            ("lstm[hidden_size=8]", "ngram"),
            (1,),
            match_parameters=True,
            overrides=("task.corpus=miniature",),
        )
    )
    assert [one.label for one in lineup.entrants] == ["lstm[hidden_size=8]", "ngram"]
    assert "ngram has no hidden_size" in lineup.notes[0]


@pytest.mark.parametrize("target", [0, 1, 2, 3, 90, 10**9, 10**12])
def test_the_nearest_width_is_found(target: int) -> None:
    best = nearest_width(lambda width: width * width, target)
    assert abs(best * best - target) == min(
        abs(width * width - target) for width in {1, max(best - 1, 1), best, min(best + 1, 65_536)}
    )


def test_weights_that_do_not_learn_count_too() -> None:
    design = Design("temporal-order", ("echo-state", "lstm"), (1,), match_parameters=True)
    reservoir, lstm = (parameters(one.experiment.model, SPEC) for one in draw_up(design).entrants)
    assert reservoir == pytest.approx(lstm, rel=TOLERANCE)
