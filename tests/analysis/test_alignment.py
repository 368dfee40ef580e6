from __future__ import annotations

import numpy as np
import pytest

from seqlab.analysis.alignment import align
from seqlab.errors import UsageError
from seqlab.figures.alignment import alignment_figure
from seqlab.models import SequenceModel, build_model
from seqlab.session.answering import answers_of
from seqlab.settings import Component
from seqlab.tasks.pairs.dates import Dates

QUESTION = "3. Mai 2009"
MODELS = {
    "recurrent": {"name": "encoder-decoder", "hidden_size": 4},
    "fed": {"name": "encoder-decoder", "hidden_size": 4, "input_feeding": True},
    "transformer": {"name": "transformer", "hidden_size": 8, "heads": 2, "layers": 2},
}


def made(options: dict[str, object]) -> SequenceModel:
    return build_model(Component(**options), Dates().spec, seed=1).eval()


@pytest.mark.parametrize("options", MODELS.values(), ids=MODELS)
def test_every_step_of_what_was_written_has_weights_over_the_places_of_the_source(
    options: dict[str, object],
) -> None:
    task, model = Dates(), made(options)
    found = align(task, model, task.ask(QUESTION), is_answered=False)
    assert "".join(found.source) == QUESTION.replace(" ", repr(" "))
    ((answer,),) = answers_of(task, model, [task.ask(QUESTION)])
    assert "".join(found.written).removesuffix("<end>") == answer.text
    assert np.log(found.probability).sum() == pytest.approx(answer.log_probability, abs=1e-4)
    assert len(found.weights) == (4 if options["name"] == "transformer" else 1)
    for weights in found.weights.values():
        assert weights.shape == (len(found.written), len(QUESTION))
        np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-5)
    assert len(list(found.to_rows())) == 1 + len(found.weights) * len(found.written) * len(QUESTION)


def test_padding_in_front_of_a_source_is_no_place() -> None:
    task, model = Dates(), made(MODELS["recurrent"])
    batch = task.batch("test", 0, 5, seed=1)
    shortest = int((batch.context["source"] >= 0).sum(1).argmin())
    row = slice(shortest, shortest + 1)
    one = type(batch)(
        batch.inputs[row],
        batch.targets[row],
        None if batch.mask is None else batch.mask[row],
        context={"source": batch.context["source"][row]},
    )
    found = align(task, model, one, is_answered=True)
    assert len(found.source) < batch.context["source"].shape[1]
    assert found.wanted == task.pairs("test", 0, 5, seed=1)[shortest][1]


def test_a_model_that_does_not_look_is_refused() -> None:
    task = Dates()
    with pytest.raises(UsageError, match="does not look"):
        align(
            task,
            made({"name": "encoder-decoder", "attention": "none"}),
            task.ask(QUESTION),
            is_answered=False,
        )


@pytest.mark.parametrize("options", MODELS.values(), ids=MODELS)
def test_the_picture_has_a_part_for_each_that_looks_with_the_symbols_at_its_sides(
    options: dict[str, object],
) -> None:
    task, model = Dates(), made(options)
    found = align(task, model, task.ask(QUESTION), is_answered=False)
    figure = alignment_figure(found, "a run")
    assert len(figure.axes) == len(found.weights)
    for ax, weights in zip(figure.axes, found.weights.values(), strict=True):
        np.testing.assert_allclose(ax.images[0].get_array(), weights)
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == list("3.␣Mai␣2009")
    assert len(figure.axes[0].get_yticklabels()) == len(found.written)
