"""Skip-gram: what it learns, against loops, and on a text whose words have known company."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch

from seqlab.analysis.vectors import vectors_of
from seqlab.contracts import PAD, Batch, Spec, numpy_stream
from seqlab.models import build_model
from seqlab.models.vectors.skip_gram import BLOCK, DRAWN, SkipGram
from seqlab.settings import Component, Training
from seqlab.tasks.text.near_words import NearWords
from seqlab.training import fit, new_learner


def model_of(symbols: int, seed: int = 1, **options: int) -> SkipGram:
    spec = Spec("tokens", symbols, "classes", symbols, causal=True)
    model = build_model(Component(name="skip-gram", **options), spec, seed)
    assert isinstance(model, SkipGram)
    return model


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def test_the_loss_is_that_of_the_pairs_and_of_the_symbols_drawn() -> None:
    model = model_of(7, hidden_size=3, negatives=2)
    with torch.no_grad():
        model.near.normal_(generator=torch.Generator().manual_seed(3))
        model.word.weight.normal_(generator=torch.Generator().manual_seed(4))
    inputs = torch.tensor([[1, 1, 1], [PAD, 5, 2], [5, 5, 5]])
    targets = torch.tensor([[2, 3, 0], [0, 6, 4], [1, 2, 3]])
    mask = torch.tensor([[True, True, False], [False, True, True], [True, True, True]])
    model.noise.manual_seed(9)
    loss = model.learn(NearWords(corpus="miniature"), Batch(inputs, targets, mask)).item()
    assert model.seen.tolist() == [0, 1, 2, 2, 1, 0, 1]
    q = np.maximum(model.seen.numpy(), 0.5) ** 0.75
    model.noise.manual_seed(9)
    drawn = torch.multinomial(
        torch.tensor(q / q.sum(), dtype=torch.float32), DRAWN, replacement=True, generator=model.noise
    )
    v, u = model.word.weight.detach().t().double(), model.near.detach().double()
    wanted, pairs = 0.0, 0
    for row in range(3):
        for step in range(3):
            if mask[row, step]:
                word, near = v[inputs[row, step]], u[targets[row, step]]
                wanted += softplus(-float(word @ near))
                wanted += 2 / DRAWN * sum(softplus(float(word @ u[other])) for other in drawn)
                pairs += 1
    assert pairs < BLOCK  # so that all share the symbols drawn
    assert math.isclose(loss, wanted / pairs, rel_tol=1e-5)


def test_words_of_the_same_company_become_alike(tmp_path: Path) -> None:
    random = numpy_stream(1, "text")
    company = {"cat": "purrs", "dog": "purrs", "oak": "grows", "elm": "grows"}
    names = random.choice(list(company), 3000)
    text = tmp_path / "text.txt"
    text.write_text(" ".join(f"{name} {company[name]}" for name in names))
    task = NearWords(corpus=str(text), window=2, subsample=0.1, rare=0)
    model = model_of(len(task.vocabulary), hidden_size=4)
    training = Training(steps=150, batch_size=64, learning_rate=0.05, optimizer="adam", evaluate_every=150)
    steps = list(fit(new_learner(model, training), task, training, seed=1))
    assert steps[-1].smoothed_loss < steps[0].loss
    vectors = vectors_of(model, "skip-gram")
    cat, dog, oak, elm = (
        vectors[int(task.vocabulary.encode(word)[0])] for word in ("cat", "dog", "oak", "elm")
    )
    assert min(cat @ dog, oak @ elm) > max(cat @ oak, cat @ elm, dog @ oak, dog @ elm) + 0.1
    found = steps[-1].validation
    assert found is not None
    assert found.metrics["loss"] < task.guess(512, 1).figures["loss"]
