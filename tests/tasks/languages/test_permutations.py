from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from seqlab.tasks.languages.permutations import Group, Permutations, elements_of, follow, is_even, products_of

groups = pytest.mark.parametrize("group", get_args(Group))


@groups
@pytest.mark.parametrize("generators", [False, True])
def test_products_are_those_of_the_things_moved_about(group: Group, generators: bool) -> None:
    batch = Permutations(group=group, generators=generators, length=12).batch("train", 0, 20, seed=1)
    for word, products in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True):
        assert products == follow(group, word)


@groups
def test_it_is_a_group_of_which_the_first_element_is_the_unit(group: Group) -> None:
    table = products_of(group)
    size = len(elements_of(group))
    assert size == {"S3": 6, "S5": 120, "A5": 60, "Z60": 60}[group]
    assert (table[0] == np.arange(size)).all()
    assert (table[:, 0] == np.arange(size)).all()
    for lines in (table, table.T):
        assert (np.sort(lines, 1) == np.arange(size)).all()
    i, j, k = np.random.default_rng(1).integers(0, size, (3, 500))
    assert (table[table[i, j], k] == table[i, table[j, k]]).all()
    assert (table == table.T).all() == (group == "Z60")


@groups
def test_generators_make_every_element(group: Group) -> None:
    task = Permutations(group=group, generators=True)
    table, made = products_of(group), {0}
    while len(grown := made | {int(table[g, h]) for g in made for h in task.allowed}) > len(made):
        made = grown
    assert made == set(range(len(elements_of(group))))
    seen = set(task.batch("train", 0, 20, seed=1).inputs.flatten().tolist())
    assert seen == set(task.allowed.tolist())


def test_even_permutations_swap_an_even_number_of_pairs() -> None:
    assert is_even((1, 2, 0))
    assert not is_even((1, 0, 2))
