"""Hidden states and gates over time as heat maps, and what silencing units costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seqlab.analysis.reading import Array, Panel, Reading
from seqlab.analysis.units import Lesions, Switch
from seqlab.figures.style import COLOURS, MARK, look, plain

MOST_SYMBOLS = 140
"""Of longer sequences not every symbol is written along the axis."""

MOST_CLASSES = 16
"""Of more classes only the likeliest is shown."""


def states_figure(
    read: Reading, title: str, switch: Switch | None = None, held: range | None = None
) -> Figure:
    """Draw state, gates and answers over time.

    Args:
        read: what to draw.
        title: stands above.
        switch: a unit to mark in h of its layer, and to draw by itself.
        held: steps at which gates are held, which are shaded.

    Returns:
        For each part of the state and each gate a heat map, units downwards and steps to the right; colours
        of what has a sign are centred on zero. Last, what the network would have answered after each step.
    """
    steps = len(read.symbols)
    heights = [min(3.2, max(0.9, 0.13 * len(panel.values))) for panel in read.panels]
    extra = [0.9] * (switch is not None) + [_answer_height(read)]
    width = float(np.clip(0.145 * steps + 1.8, 7, 19))
    above = [] if read.frames is None else [_frames_height(read.frames, width)]
    with look():
        size = (width, sum(above + heights + extra) + 0.28 * (len(read.panels) + len(above)) + 1.1)
        figure = Figure(figsize=size)
        ratios = above + heights + extra
        axes = figure.subplots(len(ratios), 1, sharex=True, squeeze=False, height_ratios=ratios)[:, 0]
        figure.suptitle(plain(title), fontsize=11)
        if read.frames is not None:
            _frames(axes[0], read.frames)
            axes = axes[1:]
        for ax, panel in zip(axes, read.panels, strict=False):
            _heat_map(figure, ax, panel)
            if switch is not None and panel.layer == switch.layer and panel.name.partition(",")[0] == "h":
                _mark_unit(ax, switch.unit)
        if switch is not None:
            _unit_line(axes[-2], read, switch)
        _answers(figure, axes[-1], read)
        _symbols(axes[-1], read.symbols, switch)
        for ax in axes:
            _shade(ax, held)
    return figure


def classes_figure(
    readings: Sequence[Reading], title: str, switch: Switch | None = None, held: range | None = None
) -> Figure:
    """Draw h of one sequence of each class below each other, in one scale of colours.

    Args:
        readings: one of each class.
        title: stands above.
        switch: a unit to mark.
        held: steps at which gates are held, which are shaded.
    """
    shown = [_hidden(read, 0 if switch is None else switch.layer) for read in readings]
    limit = max(float(np.abs(panel.values).max()) for panel in shown) or 1.0
    units, longest = len(shown[0].values), max(panel.values.shape[1] for panel in shown)
    with look():
        width = float(np.clip(0.145 * longest + 1.8, 7, 19))
        height = min(3.2, max(1.0, 0.13 * units)) + 0.75
        figure = Figure(figsize=(width, height * len(shown) + 0.5))
        axes = figure.subplots(len(shown), 1, squeeze=False)[:, 0]
        figure.suptitle(plain(title), fontsize=11)
        image: Any = None
        for ax, read, panel in zip(axes, readings, shown, strict=True):
            image = ax.imshow(panel.values, cmap="RdBu_r", vmin=-limit, vmax=limit, **_IMAGE)
            _frame(ax, f"class {read.wanted}\nunit", units)
            _symbols(ax, read.symbols, switch, label=ax is axes[-1])
            _shade(ax, held)
            if switch is not None:
                _mark_unit(ax, switch.unit)
        figure.colorbar(image, ax=list(axes), label=shown[0].name, fraction=0.02, pad=0.01)
    return figure


def lesions_figure(found: Lesions, title: str) -> Figure:
    """Draw a bar for each unit: how well the network does without it."""
    with look():
        longest = max(map(len, found.silenced))
        size = (float(np.clip(0.3 * longest + 2, 6, 18)), 2.6 * len(found.silenced) + 0.8)
        figure = Figure(figsize=size)
        figure.suptitle(plain(title), fontsize=11)
        axes = figure.subplots(len(found.silenced), 1, squeeze=False)[:, 0]
        for ax, values, layer in zip(axes, found.silenced, found.layers, strict=True):
            ax.bar(range(len(values)), values, color=COLOURS[0])
            ax.axhline(found.intact, color=MARK, linestyle="--", label=f"all units: {found.intact:.4g}")
            ax.set_ylabel(f"{found.metric} without it")
            ax.set_xlabel(f"unit silenced{f', {layer}' if len(found.layers) > 1 else ''}")
            ax.set_xticks(_places(len(values), 24))
            ax.grid(visible=False, axis="x")
            ax.set_ylim(0, max(found.intact, *values) * 1.08 or 1)
            ax.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
    return figure


_IMAGE: Any = {"aspect": "auto", "interpolation": "nearest", "origin": "upper"}


def _frames_height(frames: Array, width: float) -> float:
    """Return how high the pieces of a picture stand side by side, in a figure of that width, in inches."""
    steps, rows, columns = frames.shape
    return float(np.clip((width - 1.8) / steps * rows / columns, 0.3, 1.3))


def _frames(ax: Axes, frames: Array) -> None:
    """Draw the piece of a picture that is read at each step, above that step."""
    for step, frame in enumerate(frames):
        ends = (step - 0.47, step + 0.47, -0.5, 0.5)
        ax.imshow(frame, cmap="gray", vmin=0, vmax=1, extent=ends, **_IMAGE)
    ax.set_xlim(-0.5, len(frames) - 0.5)
    ax.set_ylim(-0.5, 0.5)
    ax.set_yticks([])
    ax.set_ylabel("read", fontsize=9)
    ax.tick_params(axis="x", length=2)
    ax.grid(visible=False)


def _heat_map(figure: Figure, ax: Axes, panel: Panel) -> None:
    """Draw one quantity; a scale centred on zero where it has a sign, else from 0 to 1."""
    limit = float(np.abs(panel.values).max()) or 1.0
    signed = bool((panel.values < 0).any())
    colours: dict[str, Any] = (
        {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
        if signed
        else {"cmap": "cividis", "vmin": 0, "vmax": max(limit, 1.0)}
    )
    image = ax.imshow(panel.values, **colours, **_IMAGE)
    _frame(ax, f"{'gate ' if panel.gate else ''}{panel.name}\nunit", len(panel.values))
    bar = figure.colorbar(image, ax=ax, fraction=0.02, pad=0.01)
    bar.ax.tick_params(labelsize=8)


def _shade(ax: Axes, held: range | None) -> None:
    """Shade the steps at which gates are held, as far as the axis reaches."""
    low, high = ax.get_xlim()
    if held is None or held.start > high:
        return
    ends = held.start - 0.5, min(held.stop - 0.5, high)
    ax.axvspan(*ends, color="#555555", alpha=0.12, linewidth=0)
    for end in ends:
        ax.axvline(end, color="#222222", linestyle="--", linewidth=1)
    ax.set_xlim(low, high)


def _frame(ax: Axes, label: str, units: int) -> None:
    ax.set_ylabel(label, fontsize=9)
    ax.set_yticks(_places(units, 4))
    ax.tick_params(axis="y", labelsize=8)
    ax.tick_params(axis="x", length=2)
    ax.grid(visible=False)


def _places(count: int, most: int) -> list[int]:
    return list(range(0, count, max(1, -(-count // most))))


def _mark_unit(ax: Axes, unit: int) -> None:
    """Put a frame around a unit's row and its number in colour beside it."""
    ax.axhspan(unit - 0.5, unit + 0.5, fill=False, edgecolor=MARK, linewidth=1.6, zorder=3)
    ticks = sorted({unit, *(int(tick) for tick in ax.get_yticks() if abs(tick - unit) > 1)})
    ax.set_yticks(ticks)
    for tick, text in zip(ticks, ax.get_yticklabels(), strict=True):
        if tick == unit:
            text.set(color=MARK, fontweight="bold")


def _unit_line(ax: Axes, read: Reading, switch: Switch) -> None:
    """Draw the marked unit by itself, and shade the steps between the two symbols."""
    values = _hidden(read, switch.layer).values[switch.unit]
    ax.plot(range(len(values)), values, color=MARK, linestyle="-")
    ax.axhline(0, color="#888888", linewidth=0.8)
    ax.set_ylabel(f"h of\nunit {switch.unit}", fontsize=9)
    ax.tick_params(axis="y", labelsize=8)
    ax.grid(visible=False)
    places = [step for step, symbol in enumerate(read.symbols) if symbol == switch.symbol]
    if len(places) == 2:
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + 0.3 * (high - low))  # room for the words
        ax.axvspan(places[0] - 0.5, places[1] - 0.5, color=MARK, alpha=0.12, linewidth=0)
        text = f"first {switch.symbol} to second {switch.symbol}"
        ax.text(
            sum(places) / 2, 0.96, text, transform=ax.get_xaxis_transform(), ha="center", va="top", fontsize=8
        )


def _answer_height(read: Reading) -> float:
    return max(0.9, 0.16 * read.answers.shape[1]) if read.answers.shape[1] <= MOST_CLASSES else 0.9


def _answers(figure: Figure, ax: Axes, read: Reading) -> None:
    """Draw what the network would have said after each step."""
    steps = range(len(read.answers))
    if read.answer_names and len(read.answer_names) <= MOST_CLASSES:
        image = ax.imshow(read.answers.T, cmap="cividis", vmin=0, vmax=1, **_IMAGE)
        ax.set_yticks(range(len(read.answer_names)), read.answer_names)
        ax.set_ylabel("answer", fontsize=9)
        bar = figure.colorbar(image, ax=ax, fraction=0.02, pad=0.01)
        bar.ax.tick_params(labelsize=8)
    elif read.answer_names:
        best = read.answers.max(1)
        ax.bar(steps, best, color=COLOURS[0])
        ax.set_ylim(0, 1.25)
        ax.set_ylabel("likeliest\nanswer", fontsize=9)
        if len(best) <= MOST_SYMBOLS:
            for step, (height, said) in enumerate(zip(best, read.said, strict=True)):
                ax.text(step, height + 0.03, plain(said), ha="center", fontsize=7)
    else:
        ax.plot(steps, read.answers, linestyle="-")
        ax.set_ylabel("answer", fontsize=9)
    ax.tick_params(axis="y", labelsize=8)
    ax.grid(visible=False)


def _symbols(ax: Axes, symbols: Sequence[str], switch: Switch | None, *, label: bool = True) -> None:
    """Write the symbols along the axis; those that a marked unit answers to in its colour."""
    marked = [step for step, symbol in enumerate(symbols) if switch is not None and symbol == switch.symbol]
    short = max(map(len, symbols)) <= 4
    if short and len(symbols) <= MOST_SYMBOLS:
        places = list(range(len(symbols)))
    elif short and marked:
        places = marked
    else:
        ax.set_xlabel("step")
        return
    ax.set_xticks(places, [plain(symbols[step]) for step in places], fontsize=8)
    for step, text in zip(places, ax.get_xticklabels(), strict=True):
        if step in marked:
            text.set(color=MARK, fontweight="bold")
    if label:
        ax.set_xlabel("symbol read at each step")


def _hidden(read: Reading, layer: int) -> Panel:
    return next(panel for panel in read.panels if panel.layer == layer and not panel.gate)
