"""Rules of writing: greedy and beam search against all there is, and what is written against what was scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seqlab import registry
from seqlab.contracts import PAD, Batch, Signal, Spec, State, Written, torch_stream
from seqlab.generation.answers import best_of, questions, write_answers
from seqlab.generation.beam import Beam
from seqlab.generation.readers import TorchReader, open_reader, reader_of
from seqlab.generation.rule import log_softmax
from seqlab.models import SequenceModel, build_model
from seqlab.settings import Component

SYMBOLS, END, LONGEST = 4, 3, 4
SPEC = Spec(
    "tokens", SYMBOLS, "classes", SYMBOLS, causal=True, writes=Written(begin=0, end=END, longest=LONGEST)
)


def network(name: str = "gru", **options: object) -> SequenceModel:
    """A network whose answers are far from even."""
    model = build_model(Component(name=name, hidden_size=6, **options), SPEC, 3)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.uniform_(-2, 2, generator=torch_stream(5, key))
    return model


def told(
    model: SequenceModel, prompt: list[int], answer: list[int], context: Mapping[str, Tensor] | None = None
) -> float:
    """Return the log-probability of an answer, each symbol given the right ones before it."""
    with torch.no_grad():
        read = torch.tensor([[*prompt, *answer[:-1]]])
        outputs, _ = model(read, model.start(context or {}, 1) or None)
    logs = outputs[0, len(prompt) - 1 :].double().log_softmax(-1)
    return float(logs[range(len(answer)), answer].sum())


def every_answer() -> list[list[int]]:
    """Return all answers: up to the end, or as long as may be without it."""
    found = []
    for length in range(1, LONGEST + 1):
        for body in product(range(SYMBOLS - 1), repeat=length - 1):
            found.append([*body, END])
    return [*found, *map(list, product(range(SYMBOLS - 1), repeat=LONGEST))]


@pytest.mark.parametrize("cell", ["gru", "mingru"])  # read in NumPy, and by the forward pass
@pytest.mark.parametrize("normalise", [0.0, 1.0])
def test_a_wide_beam_finds_the_best_of_all_answers(cell: str, normalise: float) -> None:
    model = network(cell)
    batch = Batch(torch.tensor([[0], [1], [2]]), torch.zeros(3, 1, dtype=torch.int64))
    found = write_answers(model, model.spec, batch, "beam", width=SYMBOLS**LONGEST, normalise=normalise)
    for prompt, hypotheses in zip(batch.inputs.tolist(), found, strict=True):
        scores = {tuple(one): told(model, prompt, one) / len(one) ** normalise for one in every_answer()}
        ranked = sorted(scores, key=lambda one: -scores[one])
        assert [tuple(one.symbols) for one in hypotheses[:5]] == ranked[:5]
        for one in hypotheses[:5]:
            assert one.score == pytest.approx(scores[tuple(one.symbols)], abs=1e-4)
            assert one.log_probability == pytest.approx(told(model, prompt, one.symbols.tolist()), abs=1e-4)


@pytest.mark.parametrize("how", ["greedy", "beam"])
@pytest.mark.parametrize("cell", ["lstm", "mingru"])
def test_what_is_written_has_the_probability_that_teacher_forcing_gives_it(how: str, cell: str) -> None:
    model = network(cell)
    batch = Batch(torch.tensor([[0, 2, 1], [1, 1, 0]]), torch.zeros(2, 3, dtype=torch.int64),
                  torch.tensor([[False, False, True]] * 2))  # fmt: skip
    for prompt, row in zip(batch.inputs.tolist(), write_answers(model, model.spec, batch, how), strict=True):
        for one in row:
            assert one.log_probability == pytest.approx(told(model, prompt, one.symbols.tolist()), abs=1e-4)


def test_greedy_takes_the_likeliest_each_time_and_stops_at_the_end() -> None:
    model = network()
    batch = Batch(torch.tensor([[0], [1], [2]]), torch.zeros(3, 1, dtype=torch.int64))
    for prompt, written in zip(
        batch.inputs.tolist(), best_of(write_answers(model, model.spec, batch, "greedy")), strict=True
    ):
        expected: list[int] = []
        while len(expected) < LONGEST and END not in expected:
            with torch.no_grad():
                expected.append(int(model(torch.tensor([[*prompt, *expected]]))[0][0, -1].argmax()))
        assert written.tolist() == expected


@settings(max_examples=40)
@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_a_beam_follows_what_a_slow_one_follows(width: int, answers: int, seed: int) -> None:
    """Scores that depend on the step alone: the best are sums that can be sorted."""
    steps = np.random.default_rng(seed).normal(size=(LONGEST, answers, SYMBOLS))
    beam = Beam(answers, width, END, LONGEST)
    for scores in steps:
        if beam.choose(scores.repeat(width, 0)) is None:
            break
        assert (beam.rows // width == np.arange(answers).repeat(width)).all(), "answers do not mix"
    logs = log_softmax(steps)
    for answer, hypotheses in enumerate(beam.hypotheses()):
        live: list[tuple[list[int], float]] = [([], 0.0)]
        for step in range(LONGEST):
            grown = [
                (symbols, total) if symbols and symbols[-1] == END
                else ([*symbols, symbol], total + logs[step, answer, symbol])
                for symbols, total in live
                for symbol in ([0] if symbols and symbols[-1] == END else range(SYMBOLS))
            ]  # fmt: skip
            live = sorted(grown, key=lambda one: -one[1])[:width]
        expected = [total for _, total in live]
        assert [one.log_probability for one in hypotheses] == pytest.approx(expected)


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "mingru", "ngram"])
def test_a_reader_goes_on_with_chosen_rows(name: str) -> None:
    options = {} if name == "ngram" else {"hidden_size": 6}
    model = build_model(Component(name=name, **options), SPEC, 1).eval()
    if name == "ngram":
        model.count(np.random.default_rng(1).integers(0, SYMBOLS, 300))
    reader, _ = open_reader(model, np.array([0, 1]), rows=3)
    reader.read(np.array([0, 1, 2]))
    reader.keep(np.array([2, 0, 0]))
    scores = reader.read(np.array([1, 1, 2])).copy()
    for row, text in enumerate([[0, 1, 2, 1], [0, 1, 0, 1], [0, 1, 0, 2]]):
        with torch.no_grad():
            expected = model(torch.tensor([text]))[0][0, -1].log_softmax(-1).numpy()
        np.testing.assert_allclose(log_softmax(scores[row]), expected, atol=1e-5)


class Memory(SequenceModel):
    """Answers by a memory of shape (B, N, M) that its context fills and every step turns."""

    takes = ("features(row,column)",)

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.weight = torch.nn.Parameter(torch.randn(2, SYMBOLS, generator=torch_stream(1, "weight")))

    def start(self, context: dict[str, torch.Tensor], rows: int) -> State:  # type: ignore[override]
        return ((context["picture"],),)

    def forward(self, inputs: torch.Tensor, state: State | None = None) -> tuple[torch.Tensor, State]:
        assert state is not None
        ((memory,),) = state  # (B, 2, SYMBOLS)
        outputs = []
        for x in inputs.unbind(1):
            memory = torch.tanh(memory + self.weight * (x[:, None, None] + 1))
            outputs.append(3 * memory.sum(1))
        return torch.stack(outputs, 1), ((memory,),)

    def initialise(self, generator: torch.Generator) -> None:
        """Nothing is drawn anew."""


def test_rows_of_a_state_of_any_shape_are_reordered() -> None:
    """Written with a context and a memory: the beam's rows carry theirs along."""
    spec = Spec("tokens", SYMBOLS, "classes", SYMBOLS, True, {"picture": Signal("features", 1, ("row", "column"))},
                SPEC.writes)  # fmt: skip
    model = Memory(spec)
    pictures = torch.randn(3, 2, SYMBOLS, generator=torch_stream(2, "pictures"))
    batch = Batch(torch.zeros(3, 1, dtype=torch.int64), torch.zeros(3, 1), context={"picture": pictures})
    for row, hypotheses in enumerate(write_answers(model, model.spec, batch, "beam", width=SYMBOLS**LONGEST)):
        scores = {}
        for answer in every_answer():
            read = torch.tensor([[0, *answer[:-1]]])
            with torch.no_grad():
                outputs, _ = model(read, model.start({"picture": pictures[row : row + 1]}, 1))
            logs = outputs[0].double().log_softmax(-1)
            scores[tuple(answer)] = float(logs[range(len(answer)), answer].sum())
        best = max(scores, key=lambda one: scores[one])
        assert tuple(hypotheses[0].symbols) == best
        assert hypotheses[0].log_probability == pytest.approx(scores[best], abs=1e-4)
    assert isinstance(reader_of(model, model.start({"picture": pictures}, 3), 3), TorchReader)


def test_questions_of_different_lengths_end_at_the_same_place() -> None:
    inputs = torch.tensor([[1, 2, 3, 4], [PAD, 5, 6, 7]])
    mask = torch.tensor([[False, False, True, True], [False, True, False, False]])
    batch = Batch(inputs, torch.zeros(2, 4), mask)
    assert questions(batch, SPEC).tolist() == [[1, 2, 3], [PAD, PAD, 5]]
    assert questions(Batch(inputs, torch.zeros(2, 4)), SPEC).tolist() == [[1], [PAD]]


@pytest.mark.parametrize("name", registry.names("model"))
def test_every_model_writes_with_the_probability_that_teacher_forcing_gives(name: str) -> None:
    """A promise of every model: symbol by symbol, by whatever reads it fastest, it says what it says of the whole."""
    cls = registry.load("model", name)
    takes = "tokens(time)" in getattr(cls, "takes", ())
    if getattr(cls, "needs_context", False) and not takes:
        return  # it answers after a context that nobody writes after
    if "tokens" not in cls.reads:
        return  # nor does it read what it would have written
    spec = replace(SPEC, context={"source": Signal("tokens", SYMBOLS)} if takes else {})
    sizes = {"hidden_size": cls.nearest_size(8)} if hasattr(cls, "nearest_size") and name != "ngram" else {}
    model = build_model(Component(name=name, **sizes), spec, 1)
    if name == "ngram":
        model.count(np.random.default_rng(1).integers(0, SYMBOLS, 300))
    else:
        with torch.no_grad():
            for key, parameter in model.named_parameters():
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=torch_stream(4, key)))
    inputs, mask = torch.tensor([[0, 2], [1, 1], [2, 0]]), torch.tensor([[False, True]] * 3)
    sources = {name: torch.tensor([[PAD, 2], [1, 3], [0, 0]]) for name in spec.context}
    batch = Batch(inputs, torch.zeros(3, 2), mask, context=sources)
    writing = replace(spec, writes=Written(0, END, 30))
    for how in ("greedy", "beam"):
        for place, row in enumerate(write_answers(model, writing, batch, how)):
            own = {name: part[place : place + 1] for name, part in sources.items()}
            for one in row:
                wanted = told(model, inputs[place].tolist(), one.symbols.tolist(), own)
                assert one.log_probability == pytest.approx(wanted, abs=1e-3)
