"""Wrong batches, of every kind, are refused with a sentence, before an engine reads them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from seqlab import fused
from seqlab.contracts import PAD, Batch, Signal, Spec, Split, torch_stream
from seqlab.errors import PluginError, RunFailedError, SeqlabError
from seqlab.models import SequenceModel, build_model
from seqlab.settings import Component, Training
from seqlab.tasks import Task, problem_of
from seqlab.tasks._batches import checked
from seqlab.training import fit
from seqlab.training.evaluation import evaluate
from seqlab.training.loop import new_learner

ROWS, STEPS = 3, 5
Corrupt = Callable[[np.random.Generator, Batch, Spec], Any]


class Given(Task):
    """A task that gives what it was made with."""

    def __init__(self, spec: Spec, given: Any, *, stream: bool = False) -> None:
        self.spec, self.given, self.stream = spec, given, stream

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        return self.given


SPECS = {
    "classes": Spec("tokens", 4, "classes", 3, causal=True),
    "last": Spec("tokens", 4, "classes", 3, causal=True),  # one answer a sequence
    "values": Spec("features", 2, "values", 1, causal=True),
    "bits": Spec("features", 2, "bits", 3, causal=True),
    "vectors": Spec("features", 2, "values", 3, causal=True),
    "context": Spec("tokens", 4, "classes", 3, causal=True, context={"source": Signal("tokens", 6)}),
    "picture": Spec(
        "tokens", 4, "classes", 3, causal=True, context={"seen": Signal("features", 3, ("row", "column"))}
    ),
}


def right(rng: np.random.Generator, name: str) -> Batch:
    spec = SPECS[name]
    whole = rng.integers(0, spec.input_size, (ROWS, STEPS))
    inputs = torch.from_numpy(
        whole if spec.inputs == "tokens" else rng.normal(size=(ROWS, STEPS, 2)).astype(np.float32)
    )
    if name == "last":
        mask = torch.zeros(ROWS, STEPS, dtype=torch.bool)
        mask[:, -1] = True
        return Batch(inputs, torch.from_numpy(rng.integers(0, 3, ROWS)), mask)
    if spec.outputs == "classes":
        targets = torch.from_numpy(rng.integers(0, 3, (ROWS, STEPS)))
    else:
        shape = (ROWS, STEPS) if name == "values" else (ROWS, STEPS, 3)
        targets = torch.from_numpy(rng.integers(0, 2, shape).astype(np.float32))
    context = {}
    if name == "context":
        context = {"source": torch.from_numpy(rng.integers(PAD, 6, (ROWS, 4)))}
    if name == "picture":
        context = {"seen": torch.zeros(ROWS, 2, 2, 3)}
    return Batch(inputs, targets, torch.ones(ROWS, STEPS, dtype=torch.bool), context=context)


def _at(tensor: torch.Tensor, rng: np.random.Generator, value: float) -> torch.Tensor:
    changed = tensor.clone()
    changed[tuple(int(rng.integers(0, size)) for size in tensor.shape)] = value
    return changed


def _no_tensor(rng: np.random.Generator, value: torch.Tensor) -> Any:
    choices = [value.numpy(), value.tolist(), None, 3, "text", value.to_sparse(), value.to("meta")]
    return choices[rng.integers(len(choices))]


def _other_type(rng: np.random.Generator, value: torch.Tensor) -> torch.Tensor:
    kinds = [
        torch.int64,
        torch.float32,
        torch.int32,
        torch.float64,
        torch.float16,
        torch.bool,
        torch.complex64,
    ]
    kinds = [kind for kind in kinds if kind != value.dtype]
    return value.to(kinds[rng.integers(len(kinds))])


def _other_shape(rng: np.random.Generator, value: torch.Tensor) -> torch.Tensor:
    choices = [
        value[:-1],
        value[:0],
        torch.cat([value, value[:1]]),
        value[None],
        value[..., None, None],
        value.flatten()[:2],
        torch.zeros((), dtype=value.dtype),
        value[:, : STEPS - 1] if value.dim() > 1 else value[:1],
        value.transpose(0, 1) if value.dim() > 1 else value[:2],
    ]
    return choices[rng.integers(len(choices))]


def _of(name: str, corrupt: Callable[[np.random.Generator, torch.Tensor], Any]) -> Corrupt:
    return lambda rng, batch, spec: replace(batch, **{name: corrupt(rng, getattr(batch, name))})


def _of_context(corrupt: Callable[[np.random.Generator, torch.Tensor], Any]) -> Corrupt:
    def changed(rng: np.random.Generator, batch: Batch, spec: Spec) -> Any:
        return replace(batch, context={name: corrupt(rng, part) for name, part in batch.context.items()})

    return changed


def _bad_value(rng: np.random.Generator, value: torch.Tensor) -> torch.Tensor:
    wrong = [6, -2, 2**40, -(2**40)] if value.dtype == torch.int64 else [np.nan, np.inf, -np.inf]
    return _at(value, rng, wrong[rng.integers(len(wrong))])


def _other_rows(rng: np.random.Generator, batch: Batch, spec: Spec) -> Batch:
    rows = torch.tensor([[0], [0, 1], [0, 1, 2, 0], [*range(ROWS), *range(ROWS)] * 200][rng.integers(4)])
    parts = {name: getattr(batch, name)[rows] for name in ("inputs", "targets", "mask")}
    return Batch(**parts, context={name: part[rows] for name, part in batch.context.items()})


def _padding_behind(rng: np.random.Generator, batch: Batch, spec: Spec) -> Batch:
    inputs = batch.inputs.clone()
    inputs[rng.integers(ROWS), rng.integers(1, STEPS)] = PAD
    return replace(batch, inputs=inputs)


ANY: list[Corrupt] = [
    *(_of(name, how) for name in ("inputs", "targets") for how in (_no_tensor, _other_type, _other_shape)),
    _of("inputs", _bad_value),
    _of("targets", _bad_value),
    _of("mask", lambda rng, mask: _other_type(rng, mask)),
    _of("mask", _other_shape),
    _of("mask", lambda rng, mask: [mask.numpy(), mask.tolist(), "yes", mask.to_sparse()][rng.integers(4)]),
    _of("mask", lambda rng, mask: torch.zeros_like(mask)),
    _of("continues", lambda rng, _: ["yes", 1, None, torch.tensor(True), True][rng.integers(5)]),
    _of("context", lambda rng, parts: [None, [], {**parts, "more": torch.zeros(3)}, 7][rng.integers(4)]),
    _other_rows,
    lambda rng, batch, spec: [(batch.inputs, batch.targets), None, batch.inputs, {}, [batch]][
        rng.integers(5)
    ],
]
FURTHER: dict[str, list[Corrupt]] = {
    "classes": [_padding_behind],
    "last": [
        _of("mask", lambda rng, mask: None),
        _of("mask", lambda rng, mask: _at(mask, rng, True).index_fill_(1, torch.tensor([0]), True)),
    ],
    "values": [_of("inputs", lambda rng, x: x.clone().requires_grad_())],
    "bits": [_of("targets", lambda rng, bits: _at(bits, rng, 0.5))],
    "vectors": [_of("targets", lambda rng, values: values[..., :2])],
    "context": [_of_context(how) for how in (_no_tensor, _other_type, _bad_value)]
    + [_of_context(lambda rng, part: part[:2]), _of("context", lambda rng, _: {})],
    "picture": [_of_context(how) for how in (_no_tensor, _other_type, _bad_value)]
    + [_of_context(lambda rng, part: part[..., :2]), _of_context(lambda rng, part: part[:, 0])],
}
SETTINGS = Training(steps=2, batch_size=ROWS, evaluation_sequences=4)


@pytest.fixture(scope="module")
def models() -> dict[str, SequenceModel]:
    plain = {name: replace(spec, context={}) for name, spec in SPECS.items()}
    component = Component(name="rnn", hidden_size=2)
    return {name: build_model(component, spec, 1) for name, spec in plain.items()}


def _learn(engine: str, task: Task, model: SequenceModel) -> None:
    learner = new_learner(model, SETTINGS)
    if engine == "torch":
        next(fit(learner, task, SETTINGS, 1))
    else:
        next(fused.fit_together([learner], task, SETTINGS, [1], threads=1))


@pytest.mark.parametrize("engine", ["torch", "fused"])
def test_500_wrong_batches_are_500_sentences(engine: str, models: dict[str, SequenceModel]) -> None:
    if engine == "fused":
        pytest.importorskip("numba")
    known = ["classes", "last", "values"] if engine == "fused" else list(SPECS)
    rng = np.random.Generator(np.random.PCG64(1))
    said = set()
    for number in range(500):
        name = known[number % len(known)]
        choices = [*ANY, *FURTHER[name]]
        wrong = choices[rng.integers(len(choices))](rng, right(rng, name), SPECS[name])
        task = Given(SPECS[name], wrong) if engine == "fused" else checked(Given)(SPECS[name], wrong)
        with pytest.raises((PluginError, RunFailedError)) as refused:
            _learn(engine, task, models[name])
        sentence = refused.value.message
        assert "wrong batch: " in sentence or ".batch('train', 0, 3, 1) is wrong: " in sentence
        assert sentence.count("\n") == 0
        assert 20 < len(sentence) < 400
        said.add(re.sub(r"\d+", "N", sentence))
    assert len(said) > 60, "they are told from one another"


@pytest.mark.parametrize("name", SPECS)
def test_what_is_right_is_not_refused(name: str, models: dict[str, SequenceModel]) -> None:
    rng = np.random.Generator(np.random.PCG64(2))
    for _ in range(20):
        batch = right(rng, name)
        assert problem_of(batch, Given(SPECS[name], batch), ROWS) is None
        unmasked = replace(batch, inputs=batch.inputs.transpose(0, 1).contiguous().transpose(0, 1))
        assert problem_of(unmasked, Given(SPECS[name], batch), ROWS) is None, (
            "the layout is nobody's business"
        )
    if name in ("classes", "last", "values"):
        _learn("torch", checked(Given)(SPECS[name], batch), models[name])


def _problem(name: str, change: Callable[[Batch], Batch]) -> str | None:
    batch = change(right(np.random.Generator(np.random.PCG64(3)), name))
    return problem_of(batch, Given(SPECS[name], batch), ROWS)


def test_the_first_wrong_place_is_named_with_its_value_and_what_is_allowed() -> None:
    def set_at(field: str, place: tuple[int, ...], value: float) -> Callable[[Batch], Batch]:
        def change(batch: Batch) -> Batch:
            getattr(batch, field)[place] = value
            getattr(batch, field)[-1, -1] = value  # a later one
            return batch

        return change

    assert _problem("classes", set_at("inputs", (1, 2), 4)) == (
        "inputs hold 4 in row 1, step 2, but the Spec has the symbols 0 to 3, and -1 for padding"
    )
    assert _problem("classes", set_at("targets", (0, 3), -1)) == (
        "targets hold -1 in row 0, step 3, but the Spec has the classes 0 to 2"
    )
    assert (
        _problem("values", set_at("inputs", (1, 2, 1), np.nan))
        == "inputs hold nan in row 1, step 2, feature 1"
    )
    assert _problem("bits", set_at("targets", (0, 1, 2), 2)) == (
        "targets hold 2 in row 0, step 1, output 2, but bits are 0 or 1"
    )
    assert _problem("classes", set_at("inputs", (2, 1), PAD)) == (
        "padding stands behind a symbol in row 2, step 1, not in front"
    )


def test_what_does_not_count_may_be_anything() -> None:
    def masked(batch: Batch) -> Batch:
        assert batch.mask is not None
        batch.mask[0], batch.targets[0] = False, 99
        return batch

    assert _problem("classes", masked) is None
    assert _problem("bits", masked) is None


class Streams(Given):
    """A stream whose held-out batches are those that it was made with."""

    def evaluation(self, split, sequences, seed):  # type: ignore[no-untyped-def]
        yield from self.given


@pytest.mark.parametrize("engine", ["torch", "fused"])
def test_a_continued_batch_has_the_rows_of_the_one_before(engine: str) -> None:
    whole = right(np.random.Generator(np.random.PCG64(4)), "classes")
    fewer = Batch(whole.inputs[:2], whole.targets[:2], whole.mask[:2], continues=True)  # type: ignore[index]
    if engine == "fused":
        pytest.importorskip("numba")
    own = checked(Streams) if engine == "torch" else Streams
    task = own(SPECS["classes"], [whole, fewer], stream=True)
    model = build_model(Component(name="rnn", hidden_size=2), SPECS["classes"], 1)
    judge = fused.evaluate if engine == "fused" else evaluate_set
    with pytest.raises(SeqlabError, match="there are 2 rows where 3 are in the batch that it continues"):
        judge(model, task, "test", 5, 1)


def evaluate_set(
    model: SequenceModel, task: Task, split: Split, sequences: int, seed: int
) -> dict[str, float]:
    return evaluate(model, task, task.evaluation(split, sequences, seed))


@pytest.mark.parametrize("given", [None, [], [torch_stream(1, "no batch")]])
def test_a_wrong_held_out_set_is_refused(given: Any) -> None:
    task = checked(Streams)(SPECS["classes"], given)
    with pytest.raises((PluginError, TypeError)):
        list(task.evaluation("test", 5, 1))


class Text(Given):
    """A task with a text."""

    def text(self, split):  # type: ignore[no-untyped-def]
        return self.given


@pytest.mark.parametrize(
    "text", [np.array([0, 4]), np.array([-1, 2]), np.zeros(3), [1, 2], np.zeros((2, 2), int)]
)
def test_a_wrong_text_is_refused(text: Any) -> None:
    with pytest.raises(PluginError, match=r"Text\.text\('train'\)"):
        checked(Text)(SPECS["classes"], text).text("train")


@pytest.mark.parametrize(
    "wrong",
    [
        ("token", 4, "classes", 3),
        ("tokens", 0, "classes", 3),
        ("tokens", 4, "class", 3),
        ("tokens", 4, "bits", 2.5),
    ],
)
def test_a_spec_says_what_it_cannot_be(wrong: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match="allowed: "):
        Spec(*wrong, causal=True)


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        ({"why": torch.zeros(ROWS, 2, dtype=torch.bool)}, None),
        (
            {"why": torch.zeros(2)},
            "the note 'why' is (2,) float32, not (3, ...): a row for each of the batch",
        ),
        ({"why": torch.tensor(1)}, "the note 'why' is () int64, not (3, ...): a row for each of the batch"),
        ({"why": [1, 2, 3]}, "the note 'why' is a list, not a tensor (3, ...)"),
        (None, "the notes are None, not a mapping"),
    ],
)
def test_notes_have_a_row_for_each_of_the_batch(notes: Any, said: str | None) -> None:
    batch = right(np.random.Generator(np.random.PCG64(1)), "classes")
    assert problem_of(replace(batch, notes=notes), Given(SPECS["classes"], batch)) == said


def test_notes_go_where_the_batch_goes() -> None:
    batch = replace(right(np.random.Generator(np.random.PCG64(1)), "classes"), notes={"why": torch.zeros(3)})
    assert batch.to(torch.device("meta")).notes["why"].is_meta
