"""Updates that are recorded and repeated: the same as those of the training loop."""

from __future__ import annotations

import pytest
import torch
from repeating import Repeating, both, close, losses, of

from seqlab.contracts import PAD, Batch
from seqlab.errors import NonFiniteLossError
from seqlab.models import Known, SequenceModel
from seqlab.settings import Component, Training
from seqlab.tasks import build_task
from seqlab.training import fit, new_learner, recorded
from seqlab.training.preparing import prepared


@pytest.mark.parametrize(
    "optimizer",
    ["adam", *(pytest.param(name, marks=pytest.mark.slow) for name in ("adamw", "sgd", "rmsprop"))],
)
def test_a_language_model_learns_the_same(optimizer: str) -> None:
    """With dropout of all kinds, a state that is carried on, an epoch that ends, averages, validations."""
    task = build_task(Component(name="char-lm", corpus="miniature", period=50))
    settings = Training(
        steps=300, batch_size=8, optimizer=optimizer, momentum=0.5 if optimizer == "sgd" else 0, averaging=0.9,
        schedule="cosine", warmup_steps=5, evaluate_every=100, clip_norm=1.0, learning_rate=0.01,
    )  # fmt: skip
    assert task.steps_of_a_pass(8) < 250, "no epoch ends"

    def model() -> SequenceModel:
        return of("lstm", task, hidden_size=8, layers=2, dropout=0.2, embedding_size=8,
                  residual=True, embedding_dropout=0.1)  # fmt: skip

    one, other, plain, learner, recorder, told = both(model, task, settings)
    close(one, other)
    assert recorder.recorded == 2, "batches that go on, and the first of an epoch"
    assert recorder.repeated >= 280
    assert not told
    for mine, yours in zip(
        [*plain.model.parameters(), *(plain.averaged or ())],
        [*learner.model.parameters(), *(learner.averaged or ())],
        strict=True,
    ):
        torch.testing.assert_close(mine, yours, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("model", ["lstm", "mut1", "transformer", "mingru"])
def test_around_padding_the_same_is_learned(model: str) -> None:
    task = build_task(Component(name="temporal-order", difficulty="easy"))
    settings = Training(steps=40, batch_size=8, learning_rate=0.001, evaluate_every=20)
    batch = task.batch("train", 0, 8, 1)
    assert int(batch.inputs.min()) == PAD, "there is no padding"
    one, other, *_, recorder, told = both(lambda: of(model, task, hidden_size=8), task, settings)
    close(one, other)
    assert not told
    assert recorder.repeated >= 20


@pytest.mark.parametrize("name", ["dates"])
def test_a_source_with_padding_that_is_read_in_both_directions(name: str) -> None:
    task = build_task(Component(name=name))
    settings = Training(steps=12, batch_size=4, learning_rate=0.001, evaluate_every=12)
    assert any(int(part.min()) == PAD for part in task.batch("train", 0, 4, 1).context.values())
    one, other, *_, told = both(lambda: of("encoder-decoder", task, hidden_size=8), task, settings)
    close(one, other)
    assert not told


def test_a_loss_that_is_not_finite_ends_training_where_it_was() -> None:
    task = build_task(Component(name="adding", length=20))
    settings = Training(
        steps=64, batch_size=4, learning_rate=100.0, optimizer="sgd", evaluate_every=64, clip_norm=None
    )
    said = []
    for way in (
        lambda learner: fit(learner, task, settings, 1),
        lambda learner: recorded.fit(learner, task, settings, 1, None, Repeating()),
    ):
        learner = new_learner(of("irnn", task, hidden_size=4), settings)
        steps = []
        with pytest.raises(NonFiniteLossError) as error:
            steps.extend((step.step, step.loss) for step in way(learner))
        said.append((steps, error.value.message))
    assert said[0] == said[1]


def test_it_pauses_where_it_is_asked_to_and_goes_on_to_the_bit() -> None:
    task = build_task(Component(name="char-lm", corpus="miniature", period=16))
    settings = Training(steps=40, batch_size=4, evaluate_every=40, averaging=0.9)
    whole = new_learner(of("gru", task, hidden_size=8, dropout=0.3), settings)
    expected = losses(recorded.fit(whole, task, settings, 1, None, Repeating()))
    learner, found = new_learner(of("gru", task, hidden_size=8, dropout=0.3), settings), []
    for step in recorded.fit(learner, task, settings, 1, None, Repeating(), pause_at=(17,)):
        found.append((step.loss, step.grad_norm))
        if step.step == 17:
            assert learner.step == 17
            break
    again = new_learner(of("gru", task, hidden_size=8, dropout=0.3), settings)
    again.load_state_dict(learner.state_dict())
    found += losses(recorded.fit(again, task, settings, 1, None, Repeating()))
    assert found == expected


def test_a_batch_is_made_longer_in_front_and_nothing_else() -> None:
    inputs = torch.tensor([[-1, 3, 4], [5, 6, 7]])
    mask = torch.tensor([[False, False, True], [False, True, True]])
    wide, known = prepared(Batch(inputs, torch.arange(6).view(2, 3), mask))
    assert (wide.inputs.shape, known) == ((2, 8), Known(8, begin=True))
    assert torch.equal(wide.inputs[:, 5:], inputs)
    assert (wide.inputs[:, :5] == PAD).all()
    outputs = torch.randn(2, 8, 4, generator=torch.Generator().manual_seed(1))
    chosen, targets = wide.select(outputs)
    assert targets.tolist() == [2, 4, 5]
    assert torch.equal(chosen, torch.stack([outputs[0, 7], outputs[1, 6], outputs[1, 7]]))
    features = Batch(torch.zeros(2, 3, 1), torch.zeros(2, 3))
    assert prepared(features) == (features, Known(0, begin=True))


def test_notes_on_the_steps_keep_their_places() -> None:
    inputs, mask = torch.tensor([[-1, 3, 4]]), torch.tensor([[False, True, True]])
    of_steps = Batch(inputs, torch.arange(3)[None], mask, notes={"weight": torch.ones(1, 3)})
    assert prepared(of_steps)[0].inputs.shape == (1, 3)


def test_a_checkpoint_of_a_gpu_keeps_the_options_of_the_device_here() -> None:
    """There updates are recorded, for which the optimiser is told to be capturable; here it refuses that."""
    task = build_task(Component(name="adding", length=20))
    settings = Training(steps=4, batch_size=4, evaluate_every=4, optimizer="rmsprop")
    there, here = (new_learner(of("rnn", task, hidden_size=4), settings) for _ in range(2))
    list(fit(there, task, settings.model_copy(update={"steps": 2}), 1))
    saved = there.state_dict()
    saved["optimizer"]["param_groups"][0]["capturable"] = True
    here.load_state_dict(saved)
    assert [step.step for step in fit(here, task, settings, 1)] == [3, 4]


def test_a_checkpoint_with_other_groups_of_weights_is_refused() -> None:
    task = build_task(Component(name="adding", length=20))
    of_all, of_matrices = (Training(weight_decay=0.1, weight_decay_of=of) for of in ("all", "matrices"))
    saved = new_learner(of("rnn", task, hidden_size=4), of_all).state_dict()
    with pytest.raises(ValueError, match="zip"):
        new_learner(of("rnn", task, hidden_size=4), of_matrices).load_state_dict(saved)
