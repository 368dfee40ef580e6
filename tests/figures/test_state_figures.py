"""The pictures of states show the numbers that they are made from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seqlab.analysis.gates import Force
from seqlab.analysis.reading import Panel, Reading
from seqlab.analysis.units import Lesions, Switch
from seqlab.figures.states import classes_figure, lesions_figure, states_figure

H = np.linspace(-0.5, 0.2, 24).reshape(4, 6)
F = np.linspace(0, 0.9, 24).reshape(4, 6)
ANSWERS = np.full((6, 2), 0.5)
SWITCH = Switch("X", 0, 2, True, 0.95, 0, 1, 0, 30)


def read(names: tuple[str, ...] = ("Q", "R"), answers: np.ndarray = ANSWERS) -> Reading:
    panels = (Panel(0, "h", False, H), Panel(0, "f", True, F))
    return Reading(("B", "X", "a", "$", "X", "E"), panels, answers, names, "Q")


def test_heat_maps_hold_the_values_and_signed_ones_are_centred_on_zero() -> None:
    hidden, gate, _, answer = (
        ax for ax in states_figure(read(), "a run", SWITCH).axes if ax.get_xlim()[1] > 2
    )
    assert np.array_equal(hidden.images[0].get_array(), H)
    assert hidden.images[0].get_clim() == (-0.5, 0.5)
    assert np.array_equal(gate.images[0].get_array(), F)
    assert gate.images[0].get_clim() == (0, 1)
    assert np.array_equal(answer.images[0].get_array(), ANSWERS.T)


def test_the_unit_and_its_symbols_are_marked() -> None:
    hidden, _, line, answer = (
        ax for ax in states_figure(read(), "a run", SWITCH).axes if ax.get_xlim()[1] > 2
    )
    coloured = [text.get_text() for text in hidden.get_yticklabels() if text.get_fontweight() == "bold"]
    assert coloured == ["2"]
    assert np.array_equal(line.get_lines()[0].get_ydata(), H[2])
    labels = answer.get_xticklabels()
    assert [text.get_text() for text in labels] == ["B", "X", "a", r"\$", "X", "E"]
    assert [place for place, text in enumerate(labels) if text.get_fontweight() == "bold"] == [1, 4]


def test_what_is_read_of_a_picture_stands_above_each_step() -> None:
    frames = np.arange(24.0).reshape(6, 2, 2) / 24
    strip, hidden, *_ = states_figure(replace(read(), frames=frames), "a run").axes
    assert [np.asarray(image.get_array()).tolist() for image in strip.images] == frames.tolist()
    assert [np.mean(image.get_extent()[:2]) for image in strip.images] == list(range(6))
    assert strip.get_xlim() == hidden.get_xlim()


def test_many_classes_and_values_are_drawn_otherwise() -> None:
    many = np.full((6, 30), 1 / 30)
    names = tuple(f"{n}" for n in range(30))
    bars = states_figure(read(names, many), "a run").axes[2]
    assert [bar.get_height() for bar in bars.patches] == pytest.approx([1 / 30] * 6)
    values = np.arange(6.0)[:, None]
    line = states_figure(read((), values), "a run").axes[2].get_lines()[0]
    assert np.array_equal(np.ravel(line.get_ydata()), values[:, 0])


def test_classes_share_one_scale() -> None:
    images = [ax.images[0] for ax in classes_figure([read(), read()], "a run").axes if ax.images]
    assert {image.get_clim() for image in images} == {(-0.5, 0.5)}


def test_a_bar_for_each_unit() -> None:
    found = Lesions("accuracy", 1.0, ("layer 1",), ((0.5, 0.25, 1.0),), 64)
    (ax,) = lesions_figure(found, "a run").axes
    assert [bar.get_height() for bar in ax.patches] == [0.5, 0.25, 1.0]


def test_the_steps_at_which_gates_are_held_are_shaded() -> None:
    steps = Force({"f": 1.0}, 2, 40).steps(6)
    assert steps == range(2, 6)
    free, held = (states_figure(read(), "a run", held=one) for one in (None, steps))
    assert not any(ax.patches for ax in free.axes[:3])
    for ax in held.axes[:3]:
        (shade,) = ax.patches
        assert (shade.get_x(), shade.get_x() + shade.get_width()) == (1.5, 5.5)
        assert ax.get_xlim() == (-0.5, 5.5)
