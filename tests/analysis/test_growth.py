"""The study of cost: every point is measured once, by the engine it names, or said to be left out."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from seqlab.analysis import growth as module
from seqlab.analysis.cost import Machine
from seqlab.analysis.growth import Growth, Setting, study
from seqlab.errors import SettingsError, UsageError
from seqlab.registry import check_options, parse_reference
from seqlab.settings import Component, Document

BASE = {"time": 3, "hidden": 2, "batch": 2, "seeds": 1}


def components(*models: str) -> dict[str, Component]:
    return {name: check_options("model", parse_reference(name), Document({}, "here")) for name in models}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLICE", 1e-6)
    monkeypatch.setattr(module, "measure_machine", lambda threads: Machine(threads, 1e9, (1e9, 1e9, 1e9)))


@pytest.fixture
def measure() -> Callable[..., Growth]:
    return lambda models, sweeps, **options: study(components(*models), sweeps, BASE, **options)


def test_every_point_is_measured_once(measure: Callable[..., Growth]) -> None:
    found = measure(["mingru", "minlstm[layers=2]"], {"time": (1, 3), "hidden": (2, 5)})
    assert list(found.measured) == [
        Setting(name, "torch", time, hidden, 2, 1)
        for sizes in (((1, 2), (3, 2)), ((3, 5),))
        for name in ("mingru", "minlstm[layers=2]")
        for time, hidden in sizes
    ]
    for point, one in found.measured.items():
        assert one.setting == point
        assert 0 < one.least <= one.seconds <= one.most
        assert one.repeats >= 7
        assert one.floor > 0
    of_one_layer, of_two = found.lines("hidden").values()
    assert [one.setting.hidden for one in of_one_layer if one] == [2, 5]
    assert of_two[1].flops > of_one_layer[1].flops


def test_seeds_grow_only_where_the_fused_engine_trains(
    measure: Callable[..., Growth], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    found = measure(["mingru"], {"time": (1,), "seeds": (1, 2)}, announce=said.append)
    assert list(found.sweeps) == ["time"]
    assert "does not train mingru here" in said[0]
    with pytest.raises(UsageError, match=r"does not train mingru here\.\nTry: seqlab bench rnn"):
        measure(["mingru"], {"seeds": (1, 2)})
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="Numba is not installed"):
        measure(["rnn"], {"seeds": (1, 2)})


def test_points_that_would_take_too_long_are_left_out(measure: Callable[..., Growth]) -> None:
    """With what is larger; the same point is not tried again where it comes in another sweep."""
    found = measure(["mingru"], {"time": (3, 4), "hidden": (2, 3), "batch": (1, 2)}, point_seconds=0)
    assert not found.measured
    assert [(point.time, point.batch) for point in found.left_out] == [(3, 2), (3, 1)]
    assert all("a step takes" in why for why in found.left_out.values())
    assert found.lines("batch") == {}


def test_nothing_is_begun_when_the_time_is_used_up(measure: Callable[..., Growth]) -> None:
    found = measure(["mingru"], {"batch": (1, 2), "time": (2, 3)}, all_seconds=0)
    assert not found.measured
    assert set(found.left_out.values()) == {module.NO_TIME}


def test_seeds_are_trained_together_by_the_fused_engine_alone(measure: Callable[..., Growth]) -> None:
    pytest.importorskip("numba")
    found = measure(["lstm", "mingru"], {"seeds": (1, 3)})
    assert [(point.model, point.engine, point.seeds) for point in found.measured] == [
        ("lstm", "fused", 1),
        ("lstm", "fused", 3),
    ]


def test_the_fused_engine_is_asked_for_no_more_steps_than_are_timed() -> None:
    """Steps made ahead of those asked for would be timed with others, or not at all."""
    pytest.importorskip("numba")
    seen: list[int] = []

    class Counted(module.Symbols):
        def batch(self, split, index, size, seed):  # type: ignore[no-untyped-def]
            seen.append(index)
            return super().batch(split, index, size, seed)

    point = Setting("rnn", "fused", 3, 2, 2, 1)
    sized = module._sized(components("rnn")["rnn"], 2)
    go = module._loop(point, sized, Counted(3, 2), 5)
    for times in range(1, 5):
        go(5)
        assert seen == list(range(5 * times))


def test_the_numbers_can_be_written_down(measure: Callable[..., Growth]) -> None:
    told = json.loads(json.dumps(measure(["minlstm"], {"time": (2, 4)}).to_dict(), allow_nan=False))
    assert set(told) == {"machines", "sweeps", "base", "measured", "left_out"}
    assert told["measured"][1].keys() == {
        "model", "engine", "time", "hidden", "batch", "seeds", "threads", "seconds", "least", "most", "repeats",
        "flops", "bytes", "floor",
    }  # fmt: skip
    assert told["machines"][0].keys() == {"threads", "peak", "bandwidth", "blocks"}


def test_a_model_without_cells_is_refused(measure: Callable[..., Growth]) -> None:
    with pytest.raises(SettingsError, match="ngram"):
        measure(["ngram"], {"time": (2,)})
