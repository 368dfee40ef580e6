"""Published cells keep every promise; of a broken one, the promise that it breaks is named, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqlab import plugins
from seqlab.models._cell_promises import PROMISES, first_broken
from seqlab.models._promises import Promise
from seqlab.models._variants import variants

FOLDER = Path(__file__).parent
PUBLISHED = (
    "LayerNormLSTM", "Orthogonal", "FastWeights", "Reservoir",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("SLSTM", "SRU", "LRU")),
)  # fmt: skip
"""The slow tests have those of which seqlab has one of its own, or one like it."""

FURTHER = ("Reminded", "Stacked", "Averaging")
BROKEN = {
    "NamesNoSize": "sizes_are_taken_as_said",
    "RefusesAll": "nothing_is_drawn_from_a_global_random_state",  # the first that builds a network
    "DrawsWhenMade": "nothing_is_drawn_from_a_global_random_state",
    "DrawsInTheStep": "nothing_is_drawn_from_a_global_random_state",
    "DropsGlobally": "nothing_is_drawn_from_a_global_random_state",
    "Grows": "answers_have_the_promised_shape",
    "CountsWrong": "parameters_are_counted_as_declared",
    "DrawsWithoutTheSeed": "the_same_seed_gives_the_same_model",
    "DrawsFromItsOwn": "noise_comes_from_the_model_and_in_training_only",
    "MixesRows": "rows_are_independent",
    "MixesContexts": "rows_are_independent",
    "PreparesEachStep": "what_is_prepared_is_prepared_once_a_sequence",
    "WrongFastPath": "the_fast_path_equals_the_step_form",
    "WrongGradientOfTheFastPath": "the_fast_path_equals_the_step_form",
    "Detaches": "gradients_are_the_slopes",
    "LooksAhead": "the_future_never_changes_the_past",
    "Forgets": "chunks_with_carried_state_equal_the_whole",
    "LooksAtPadding": "what_looks_tells_where_as_it_reads",
    "CountsOtherPlaces": "what_looks_tells_where_as_it_reads",
    "LooksWithTooMuch": "what_looks_tells_where_as_it_reads",
    "TellsOfOtherRows": "what_looks_tells_where_as_it_reads",
    "TellsAsFromTheStart": "what_looks_tells_where_as_it_reads",
    "TellsOfHeadsAsFromTheStart": "what_looks_tells_where_as_it_reads",
    "ReadsPadding": "the_state_is_held_through_padding",
    "LooksPaddingUp": "the_state_is_held_through_padding",
}


def admitted(file: str, cls: str) -> str:
    path = FOLDER / file
    plugins.admit(str(path))
    return f"{path}:{cls}"


@pytest.mark.parametrize("cls", PUBLISHED)
@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_published_cells_keep_every_promise(promise: Promise, cls: str) -> None:
    promise(admitted("published_cells.py", cls))


@pytest.mark.parametrize("cls", FURTHER)
@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_other_models_keep_every_promise(promise: Promise, cls: str) -> None:
    promise(admitted("further_models.py", cls))


def test_a_model_with_a_context_is_checked_without_and_with_each_form() -> None:
    said = [str(variant) for variant in variants(admitted("further_models.py", "Reminded"))]
    assert len(said) == 6
    assert sum(text.endswith("after features(row,column)") for text in said) == 2
    assert sum(text.endswith("after tokens(time)") for text in said) == 2


def test_a_cell_is_checked_at_sizes_that_it_takes() -> None:
    sizes = {variant.options["hidden_size"] for variant in variants(admitted("published_cells.py", "SLSTM"))}
    assert sizes == {8}


@pytest.mark.parametrize("cls", BROKEN)
def test_the_promise_that_is_broken_is_named(cls: str) -> None:
    found = first_broken(admitted("broken_models.py", cls))
    assert found is not None
    promise, message = found
    assert promise == BROKEN[cls], message
    assert 20 < len(message) < 600
