"""Run folders of earlier versions are read; those of later ones are refused with what to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import Command

from seqlab.runs import Run
from seqlab.runs.info import FORMAT

KEPT = Path(__file__).parent / "kept"
"""A run folder of each format, as the version of its time has written it."""


@pytest.fixture(params=range(1, FORMAT + 1))
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    (tmp_path / "runs").mkdir()
    return Run(Path(shutil.copytree(KEPT / f"format-{request.param}", tmp_path / "runs" / "kept")))


def test_a_run_of_every_format_is_shown_sampled_from_plotted_and_judged(
    kept: Run, seqlab_command: Command
) -> None:
    shown = seqlab_command("show", "kept", "--json")
    assert shown.returncode == 0
    assert '"accuracy": 1.0' in shown.stdout
    assert (
        seqlab_command("sample", "kept", "--prime", "h", "--length", "4", "--temperature", "0").stdout
        == "hello\n"
    )
    assert seqlab_command("plot", "kept").returncode == 0
    assert seqlab_command("judge", "kept", "--sequences", "4").returncode == 0


def test_an_interrupted_run_of_every_format_is_gone_on_with(kept: Run, seqlab_command: Command) -> None:
    kept.update_info(status="interrupted")
    done = seqlab_command("resume", "kept", "--anyway", "-q")  # the code has changed since
    assert done.returncode == 0, done.stderr


def test_a_run_of_a_newer_format_is_refused(kept: Run, seqlab_command: Command) -> None:
    kept.write_info({**kept.info().__dict__, "format": FORMAT + 1})
    for command in ("show", "sample", "resume"):
        refused = seqlab_command(command, "kept")
        assert refused.returncode == 2
        assert f"its format is {FORMAT + 1}" in refused.stderr
        assert "pip install --upgrade seqlab" in refused.stderr
    assert "damaged" in seqlab_command("runs").stdout
