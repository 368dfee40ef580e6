"""`seqlab report`: the newest comparison, or the one that is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqlab.cli.app import app
from seqlab.comparison.record import find, read
from seqlab.errors import RunFolderError, UnknownNameError
from seqlab.files import to_json

FACTS = {
    "question": "Which?", "table": [{"model": "rnn", "accuracy": "1"}], "verdict": "Nobody knows.", "runs": [],
    "figures": [],
}  # fmt: skip


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path))
    for name in ("b-20260101-000000-ffff", "a-20260102-000000-0000", "b-20260101-000001-0000"):
        folder = tmp_path / "reports" / name
        folder.mkdir(parents=True)
        (folder / "comparison.json").write_text(to_json({**FACTS, "on": name}))
    (tmp_path / "reports" / "gradients-20270101-000000-0000").mkdir()  # a measurement of another kind
    return tmp_path / "reports"


def test_the_newest_comparison_is_taken_unless_one_is_named(reports: Path) -> None:
    result = CliRunner().invoke(app, ["report"])
    assert result.exit_code == 0
    path = Path(result.stdout.splitlines()[0])
    assert path == reports / "a-20260102-000000-0000" / "report.html"
    assert "Nobody knows." in path.read_text()
    assert find("a").name == "a-20260102-000000-0000"
    assert find("b-20260101-000000-ffff").name == "b-20260101-000000-ffff"
    assert find(str(reports / "b-20260101-000001-0000")).name == "b-20260101-000001-0000"


def test_what_cannot_be_reported_is_refused(reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RunFolderError, match="begins the names of 2 comparisons"):
        find("b-")
    with pytest.raises(UnknownNameError, match="c-2026"):
        find("c-2026")
    with pytest.raises(RunFolderError, match="no comparison"):
        read(reports)
    (reports / "a-20260102-000000-0000" / "comparison.json").write_text('{"question": "Which?"}')
    with pytest.raises(RunFolderError, match="lacks 'table'"):
        read(find("a"))
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(reports / "empty"))
    with pytest.raises(RunFolderError, match="There is no comparison"):
        find(None)
