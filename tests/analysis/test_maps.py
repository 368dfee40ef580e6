"""Maps: what is mapped, how it comes into two dimensions, and how often like lies beside like."""

from __future__ import annotations

import sys
from datetime import date

import numpy as np
import pytest
import torch

from seqlab.analysis.maps import Points, company, map_of_states, map_of_words, project
from seqlab.contracts import Spec
from seqlab.errors import SettingsError, UsageError
from seqlab.models import build_model
from seqlab.settings import Component
from seqlab.tasks import build_task
from seqlab.text import Vocabulary


def test_the_end_of_the_source_is_the_vector_from_which_the_decoder_starts() -> None:
    task = build_task(Component(name="dates"))
    for attention in ("none", "additive"):
        model = build_model(
            Component(name="encoder-decoder", hidden_size=5, cell="lstm", attention=attention), task.spec, 1
        ).eval()
        points = map_of_states(model, task, 6, seed=3)
        batch = task.batch("test", 0, 6, 3)
        start = model.start(batch.context, 6)
        assert np.allclose(points.vectors, torch.cat(start[-1], 1).detach().numpy())  # h and c
        assert points.texts == tuple(task.asked(batch))
        for row, month, year in zip(
            batch.targets.numpy(), points.labels["month"], points.labels["year"], strict=True
        ):
            day = date.fromisoformat(task.text_of(row))
            assert (day.month, day.year) == (int(month), int(year))
        assert [len(text) for text in points.texts] == list(map(int, points.labels["length"]))
        assert [text[0] for text in points.texts] == list(points.labels["first symbol"])


def test_without_a_source_it_is_the_state_at_the_end_and_classes_are_labels() -> None:
    task = build_task(Component(name="temporal-order", difficulty="easy"))
    model = build_model(Component(name="gru", hidden_size=3), task.spec, 1)
    points = map_of_states(model, task, 5, seed=1)
    batch = task.batch("test", 0, 5, 1)
    assert np.allclose(points.vectors, model(batch.inputs)[1][0][0].detach().numpy())
    assert points.labels == {"answer": [task.answers[target] for target in batch.targets.tolist()]}


def test_a_state_that_is_no_vector_is_refused() -> None:
    task = build_task(Component(name="temporal-order", difficulty="easy"))
    model = build_model(Component(name="transformer", hidden_size=8, layers=1), task.spec, 1)
    with pytest.raises(SettingsError, match="no vector of a fixed size"):
        map_of_states(model, task, 5, seed=1)


def test_words_are_the_most_frequent_ones_without_signs() -> None:
    vocabulary = Vocabulary.counted({"a": 5, " ": 90, "Tree": 9, "sea": 7, ".": 20}, tokens="word")
    model = build_model(
        Component(name="skip-gram", hidden_size=4), Spec("tokens", 5, "classes", 5, causal=True), 1
    )
    points = map_of_words(model, "skip-gram", vocabulary, 2)
    assert points.texts == ("Tree", "sea")
    assert points.labels == {"first letter": ["t", "s"], "length": ["4", "3"]}
    assert np.allclose((points.vectors**2).sum(1), 1)


def test_the_plane_of_principal_components_is_that_of_the_greatest_spread() -> None:
    random = np.random.default_rng(1)
    plane = random.normal(size=(40, 2)) * (5, 2)
    turn = np.linalg.qr(random.normal(size=(6, 6)))[0]
    found = project(np.pad(plane, ((0, 0), (0, 4))) @ turn + 3, "pca", seed=1)
    distances = [np.linalg.norm(x[:, None] - x, axis=-1) for x in (plane, found)]
    assert np.allclose(*distances)
    assert found[:, 0].var() > found[:, 1].var()


def test_like_beside_like_against_chance() -> None:
    vectors = np.array([[0.0], [1.0], [2.5], [10.0], [11.0]])
    labels = {"side": ["l", "l", "l", "r", "r"], "none": ["a", "b", "c", "d", "e"]}
    found = company(Points("", vectors, (), labels))
    assert found["side"].share == 1
    assert found["side"].chance == pytest.approx((3 * 2 + 2 * 1) / (5 * 4))
    assert (found["none"].share, found["none"].chance, found["none"].labels) == (0, 0, 5)


def test_t_sne_is_repeatable_and_its_absence_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    vectors = np.random.default_rng(1).normal(size=(8, 3))
    assert np.array_equal(project(vectors, "tsne", seed=1), project(vectors, "tsne", seed=1))
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    with pytest.raises(UsageError) as error:
        project(vectors, "tsne", seed=1)
    assert "seqlab[analysis]" in str(error.value)
