"""The end-to-end memory network: its equations one by one, what training does otherwise, what is not read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqlab.contracts import PAD, Signal, Spec, torch_stream
from seqlab.models import build_model
from seqlab.models.memory.memory_network import MemoryNetwork
from seqlab.settings import Component

WORDS, ANSWERS, H = 9, 4, 6
STORY = torch.tensor(
    [[[PAD] * 4, [PAD, 1, 2, 3], [4, 0, 5, 6]], [[7, 1, 0, 2], [PAD, PAD, 8, 1], [PAD, 3, 3, 5]]]
)
QUESTION = torch.tensor([[PAD, 2, 4], [8, 0, 6]])


def spec() -> Spec:
    story = Signal("tokens", WORDS, ("sentence", "word"))
    return Spec("tokens", WORDS, "classes", ANSWERS, causal=False, context={"story": story})


def model(**settings: Any) -> MemoryNetwork:
    made = build_model(Component(name="memory-network", hidden_size=H, **settings), spec(), seed=3)
    assert isinstance(made, MemoryNetwork)
    return made.double().eval()


def answer(network: MemoryNetwork, story: Tensor = STORY, question: Tensor = QUESTION) -> Tensor:
    outputs: Tensor = network(question, network.start({"story": story}, len(story)))[0]
    return outputs[:, -1]


def encoded(words: NDArray[np.int64], table: NDArray[np.float64], *, ordered: bool) -> NDArray[np.float64]:
    """Sum the vectors of words with the paper's l_kj = (1 - j/J) - (k/d)(1 - 2j/J), counted from 1."""
    words, total = words[words != PAD], np.zeros(H)
    for j, word in enumerate(words, 1):
        for k in range(1, H + 1):
            place = j / len(words)
            weight = (1 - place) - (k / H) * (1 - 2 * place) if ordered else 1.0
            total[k - 1] += weight * table[word, k - 1]
    return total


def by_hand(
    network: MemoryNetwork, row: int, *, ordered: bool = True, adjacent: bool = True
) -> NDArray[np.float64]:
    """Answer one question with loops over hops, sentences and words."""
    weights = {name: value.detach().numpy() for name, value in network.named_parameters()}
    tables = weights["words.weight"].T.reshape(WORDS, -1, H).swapaxes(0, 1)
    times = weights["times"].reshape(len(weights["times"]), -1, H).swapaxes(0, 1)
    sentences = [s for s in STORY[row].numpy() if (s != PAD).any()]
    asked = tables[0] if adjacent else weights["question.weight"].T
    u = encoded(QUESTION[row].numpy(), asked, ordered=ordered)
    for hop in range(network.hops):
        look, read = (hop, hop + 1) if adjacent else (0, 1)
        ages = range(len(sentences) - 1, -1, -1)
        m, c = (
            np.array([
                encoded(s, tables[k], ordered=ordered) + times[k, age]
                for s, age in zip(sentences, ages, strict=True)
            ])
            for k in (look, read)
        )  # fmt: skip
        p = np.exp(m @ u)
        u = (u if adjacent else weights["onward.weight"] @ u) + (p / p.sum()) @ c
    return weights["readout.weight"] @ u


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("adjacent", [True, False])
def test_answers_are_those_of_the_equations_one_by_one(*, ordered: bool, adjacent: bool) -> None:
    network = model(tying="adjacent" if adjacent else "layer-wise", position_encoding=ordered)
    if network.onward is not None:
        torch.nn.init.normal_(network.onward.weight, generator=torch_stream(1, "M"))
    found = answer(network).detach().numpy()
    for row in (0, 1):
        np.testing.assert_allclose(
            found[row], by_hand(network, row, ordered=ordered, adjacent=adjacent), rtol=1e-12
        )


def test_the_order_of_words_and_of_sentences_matters_only_where_it_should() -> None:
    turned = STORY.clone()
    turned[1, 0] = STORY[1, 0].flip(0)
    swapped = STORY[:, [0, 2, 1]]
    bag = model(position_encoding=False)
    assert torch.allclose(answer(bag, turned), answer(bag))
    assert not torch.allclose(answer(model(), turned)[1], answer(model())[1])
    with torch.no_grad():
        bag.times.zero_()
    assert torch.allclose(answer(bag, swapped), answer(bag))
    assert not torch.allclose(answer(model(), swapped), answer(model()))


def test_a_first_hop_reads_the_sentence_that_the_question_matches() -> None:
    network = model(hops=1, position_encoding=False)
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
        network.words.weight[:H, :H] = 4 * torch.eye(H)  # A: each word of 0 to 5 is a direction of its own
    story = torch.tensor([[[PAD, 0, 1], [PAD, 2, 3], [PAD, 4, 5]]])
    asked = torch.tensor([[3]])
    (read,) = network.alignments(asked, network.start({"story": story}, 1)).values()
    # u' m is 16 for the sentence with word 3 and 0 for the others.
    right = np.exp(16) / (np.exp(16) + 2)
    np.testing.assert_allclose(read[0, 0].detach().numpy(), [(1 - right) / 2, right, (1 - right) / 2])


def test_sentences_that_are_not_there_are_not_read_and_old_ones_are_forgotten() -> None:
    network = model()
    hops = network.alignments(QUESTION, network.start({"story": STORY}, 2))
    assert list(hops) == ["hop 1", "hop 2", "hop 3"]
    for weights in hops.values():
        assert weights[0, -1, 0] == 0
        assert torch.allclose(weights.sum(-1), torch.ones(2, 3, dtype=torch.float64))
    short = model(memory_size=2)
    other = STORY.clone()
    other[:, 0] = torch.tensor([[1, 2, 3, 4]])
    assert torch.equal(answer(short, other), answer(short))
    assert not torch.equal(answer(network, other), answer(network))


def test_a_linear_start_leaves_the_softmax_out_for_so_many_updates_of_training_alone() -> None:
    network = model(linear_start=5, empty=0)
    judged = first_hop(network)
    network.train()
    _, (look, *_) = network.start({"story": STORY}, 2)
    u = network._asked(QUESTION, *network.start({"story": STORY}, 2)[0])[0]
    products = (
        (u @ look.transpose(1, 2))
        * torch.tensor([[[0, 1, 1]], [[1, 1, 1]]])
        / torch.tensor([2.0, 3.0], dtype=torch.float64).sqrt()[:, None, None]
    )
    assert torch.allclose(first_hop(network), products)
    network.updates = 5
    assert torch.equal(first_hop(network), judged)


def test_half_of_the_numbers_go_through_a_relu_behind_each_hop_but_not_in_a_linear_start() -> None:
    network = model(hops=1, half_relu=True, linear_start=5, empty=0)
    plain = model(hops=1, empty=0)
    plain.load_state_dict(network.state_dict())
    u, bent = (one._hop(QUESTION, one.start({"story": STORY}, 2))[1] for one in (plain, network))
    assert torch.equal(bent[..., : H // 2], u[..., : H // 2].relu())
    assert (u[..., : H // 2] < 0).any()
    assert torch.equal(bent[..., H // 2 :], u[..., H // 2 :])
    network.train()
    linear = network._hop(QUESTION, network.start({"story": STORY}, 2))[1]
    assert (linear[..., : H // 2] < 0).any()


def first_hop(network: MemoryNetwork) -> Tensor:
    hops: dict[str, Tensor] = network.alignments(QUESTION, network.start({"story": STORY}, 2))
    return hops["hop 1"]


def test_empty_sentences_shift_the_others_in_training_and_keep_their_order() -> None:
    network = model(empty=0.9).train()
    seen = set()
    for seed in range(20):
        network.noise = torch_stream(seed, "noise")
        _, (*_, there) = network.start({"story": STORY}, 2)
        assert there.shape == (2, 3 + 3)
        assert there.sum(1).tolist() == [2, 3]
        seen.add(tuple(there[1].tolist()))
    assert len(seen) > 5
    wider = network._with_empty(STORY)
    assert torch.equal(wider[1][(wider[1] != PAD).any(-1)], STORY[1])
    assert network.eval().start({"story": STORY}, 2)[1][-1].shape == (2, 3)


def test_of_a_story_without_sentences_nothing_is_read() -> None:
    """However many other stories of its batch have."""
    network = model()
    one, three = (answer(network, torch.full((2, count, 1), PAD)) for count in (1, 3))
    u = network._asked(QUESTION, *network.start({"story": STORY}, 2)[0])[0]
    torch.testing.assert_close(one, network.readout(u)[:, -1])
    torch.testing.assert_close(three, one)
