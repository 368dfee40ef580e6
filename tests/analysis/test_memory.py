"""A memory does what its gates are set to, number by number."""

from __future__ import annotations

import math

import numpy as np
import pytest

from seqlab.analysis.memory import CONTENT, HELD, READ, drive_memory

DRIVES = {drive.name: drive for drive in drive_memory()}
BEFORE, DURING, AFTER = slice(0, HELD.start), slice(HELD.start, HELD.stop), slice(HELD.stop, None)


@pytest.mark.parametrize(
    ("name", "content"), [("output on", CONTENT), ("output off", CONTENT), ("keep", CONTENT)]
)
def test_what_is_not_written_stays(name: str, content: float) -> None:
    assert DRIVES[name].c == pytest.approx([content] * len(READ), abs=0)


def test_output_on_shows_and_output_off_hides_what_stays_there() -> None:
    shown = math.tanh(CONTENT)
    assert DRIVES["output on"].h == pytest.approx([shown] * len(READ))
    hidden = DRIVES["output off"].h
    assert hidden[DURING] == (0.0,) * len(HELD)
    assert [*hidden[BEFORE], *hidden[AFTER]] == pytest.approx([shown] * (len(READ) - len(HELD)))


def test_reset_empties_the_cell_for_good() -> None:
    drive = DRIVES["reset"]
    assert drive.c[BEFORE] == (CONTENT,) * HELD.start
    assert drive.c[HELD.start :] == (0.0,) * (len(READ) - HELD.start)
    assert drive.h[-1] == 0


def test_write_puts_what_is_read_and_the_last_of_it_stays() -> None:
    drive = DRIVES["write"]
    assert drive.c[DURING] == pytest.approx(np.tanh(READ[DURING]))
    assert drive.c[AFTER] == pytest.approx([math.tanh(READ[HELD.stop - 1])] * (len(READ) - HELD.stop))
    assert drive.h == pytest.approx(np.tanh(drive.c))


def test_the_gates_are_told_as_they_were_set() -> None:
    drive = DRIVES["write"]
    assert drive.gates["f"][DURING] == (0.0,) * len(HELD)
    assert drive.gates["i"] == tuple(float(t in HELD) for t in range(len(READ)))
    assert drive.gates["g"] == pytest.approx(np.tanh(READ))
