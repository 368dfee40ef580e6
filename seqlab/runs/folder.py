"""One run folder: what lies where in it, and how it is written and read.

    config.yaml   run.json   metrics.jsonl   summary.json   judgements.json   train.log   error.txt
    checkpoints/  last.pt, best.safetensors
    answers.json  figures/      samples/      own/

What is replaced is written beside and renamed; what grows is appended to, a line at a time.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqlab.configure import leaves
from seqlab.errors import RunFolderError
from seqlab.files import (
    from_json,
    parse_json,
    read_bytes,
    read_json,
    replace_file,
    sealed,
    sha256_of,
    to_json,
    unsealed,
)
from seqlab.runs.info import FIELDS, RunInfo, info_from, now, this_process

_ASIDE = frozenset({"summary", "presets", "models"})
"""What ``config.yaml`` keeps of the experiment though it does nothing in this run."""


@dataclass(frozen=True)
class Run:
    """A run folder. Making the object touches no file; see :func:`seqlab.runs.create_run` and ``find_run``.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.path.name or self.path.resolve().name

    @property
    def info_path(self) -> Path:
        """``run.json``: what the run is and how it stands."""
        return self.path / "run.json"

    @property
    def config_path(self) -> Path:
        """``config.yaml``: every setting, resolved."""
        return self.path / "config.yaml"

    @property
    def metrics_path(self) -> Path:
        """``metrics.jsonl``: a JSON object a line."""
        return self.path / "metrics.jsonl"

    @property
    def summary_path(self) -> Path:
        """``summary.json``: the figures at the end."""
        return self.path / "summary.json"

    @property
    def log_path(self) -> Path:
        """``train.log``: what was shown."""
        return self.path / "train.log"

    @property
    def error_path(self) -> Path:
        """``error.txt``: why it failed."""
        return self.path / "error.txt"

    @property
    def judgements_path(self) -> Path:
        """``judgements.json``: what ``seqlab judge`` has found."""
        return self.path / "judgements.json"

    @property
    def answers_path(self) -> Path:
        """``answers.json``: a few held-out questions, the right answers, and what the model wrote."""
        return self.path / "answers.json"

    @property
    def own_files(self) -> Path:
        """``own/``: copies of the user's own files behind its model and its task."""
        return self.path / "own"

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def last_checkpoint(self) -> Path:
        """``checkpoints/last.pt``: everything needed to go on bit for bit."""
        return self.checkpoints / "last.pt"

    @property
    def best_weights(self) -> Path:
        """``checkpoints/best.safetensors``: the weights of the best validation, alone."""
        return self.checkpoints / "best.safetensors"

    @property
    def start_weights(self) -> Path:
        """The weights that it started from, where they are another run's."""
        return self.checkpoints / "start.safetensors"

    @property
    def ngram_weights(self) -> Path:
        """``checkpoints/ngram.safetensors``: the counts that a finished language model is mixed with."""
        return self.checkpoints / "ngram.safetensors"

    @property
    def figures(self) -> Path:
        """The folder of the pictures."""
        return self.path / "figures"

    @property
    def samples(self) -> Path:
        """The folder of the texts that were generated."""
        return self.path / "samples"

    def info(self) -> RunInfo:
        """Read ``run.json``.

        Raises:
            RunFolderError: when it is missing or damaged.
        """
        return info_from(self._read_info())

    def update_info(self, **changes: Any) -> RunInfo:
        """Change fields of ``run.json``.

        The status ``running`` makes the calling process the one that runs it, and any other status ends it:
        the fields ``started``, ``process`` and ``ended`` follow by themselves unless they are given.

        Args:
            **changes: fields of :class:`RunInfo`; ``extra`` is added to what is there.
        """
        unknown = changes.keys() - FIELDS
        assert not unknown, f"run.json has no fields {sorted(unknown)}; additions go into extra={{...}}"
        data = self._read_info()
        if changes.get("status") == "running":
            changes = {"started": now(), "ended": None, "process": this_process(), **changes}
        elif "status" in changes:
            changes = {"ended": now(), **changes}
        if "extra" in changes:
            changes["extra"] = {**data.get("extra", {}), **changes["extra"]}
        data.update(changes)
        info = info_from(data)
        self.write_info(data)
        return info

    def write_info(self, data: Mapping[str, Any]) -> None:
        """Write ``run.json``, with its checksum."""
        replace_file(self.info_path, to_json(sealed(data), indent=2) + "\n")

    def checksums(self, *paths: Path) -> dict[str, str]:
        """Return the SHA-256 of some files of the folder, of those that are there, by their names in it."""
        return {
            path.relative_to(self.path).as_posix(): sha256_of(read_bytes(path))
            for path in paths
            if path.is_file()
        }

    def sweep(self) -> None:
        """Delete what writing left behind that was cut off: files that never got their names."""
        for folder in (self.path, self.checkpoints, self.samples):
            for path in folder.glob(".*.tmp"):
                path.unlink(missing_ok=True)

    def append_metrics(self, *records: Mapping[str, float | int | str]) -> bytes:
        """Append a line for each record to ``metrics.jsonl``; figures that are not finite become null.

        Returns:
            What was appended.
        """
        return _append(self.metrics_path, "\n".join(map(to_json, records)))

    def metrics(self) -> list[dict[str, Any]]:
        """Read ``metrics.jsonl``; a last line that a crash cut short is left out.

        Raises:
            RunFolderError: when another line is damaged.
        """
        return [record for _, record in self._metric_lines()]

    def metrics_until(self, step: int) -> bytes:
        """Return the lines of ``metrics.jsonl`` up to a step, without a last one that was cut short."""
        return b"".join(line for line, record in self._metric_lines() if record.get("step", 0) <= step)

    def truncate_metrics(self, step: int) -> bytes:
        """Drop lines of later steps than ``step``, and a last line that was cut short; return the others."""
        kept = self.metrics_until(step)
        if self.metrics_path.exists():
            replace_file(self.metrics_path, kept)
        return kept

    def force_metrics(self) -> None:
        """Have ``metrics.jsonl`` on the disk, before a checkpoint that counts on it."""
        if self.metrics_path.exists():
            with self.metrics_path.open("rb+") as opened:
                os.fsync(opened.fileno())

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write ``summary.json``; figures that are not finite become null."""
        replace_file(self.summary_path, to_json(summary, indent=2) + "\n")

    def judgements(self) -> dict[str, Any]:
        """Read ``judgements.json``: by name trial, sequences and figures; empty where there is none.

        Raises:
            RunFolderError: when it is damaged.
        """
        return dict(read_json(self.judgements_path)) if self.judgements_path.is_file() else {}

    def keep_judgement(self, name: str, judged: Mapping[str, Any]) -> None:
        """Add a judgement to ``judgements.json``, in the place of one of that name; one process at a time."""
        from filelock import FileLock  # not where runs are only listed: it brings asyncio

        with suppress(NotImplementedError), FileLock(self.path / ".judgements.lock", timeout=60):
            for half_written in self.path.glob(f".{self.judgements_path.name}.*.tmp"):
                half_written.unlink()  # by a process that was killed: this one holds the lock
            replace_file(self.judgements_path, to_json({**self.judgements(), name: judged}, indent=2) + "\n")
            return
        replace_file(self.judgements_path, to_json({**self.judgements(), name: judged}, indent=2) + "\n")

    def answers(self) -> list[dict[str, Any]]:
        """Read ``answers.json``: asked, right and written, each a text; empty where there is none.

        Raises:
            RunFolderError: when it is damaged.
        """
        content = self.read_whole(self.answers_path)
        return [] if content is None else list(parse_json(content, self.answers_path)["answers"])

    def keep_answers(self, answers: Sequence[Mapping[str, Any]]) -> None:
        """Write ``answers.json``."""
        replace_file(self.answers_path, to_json({"answers": list(answers)}, indent=2) + "\n")

    def summary(self, info: RunInfo | None = None) -> dict[str, Any] | None:
        """Read ``summary.json``, or return None when the run has none yet.

        Args:
            info: what ``run.json`` holds, where that is known already.

        Raises:
            RunFolderError: when it is damaged.
        """
        content = self.read_whole(self.summary_path, info)
        return None if content is None else parse_json(content, self.summary_path)

    def write_config(self, text: str) -> None:
        """Write ``config.yaml``, and its checksum into the ``run.json`` that there is."""
        name, known = self.config_path.name, self.info().files if self.info_path.is_file() else {}
        if name in known:  # between the two files it has none, so that a crash leaves nothing that is refused
            self.update_info(files={key: value for key, value in known.items() if key != name})
        replace_file(self.config_path, text)
        if name in known:
            self.update_info(files={**known, name: sha256_of(text)})

    def config_text(self) -> str:
        """Read ``config.yaml``.

        Raises:
            RunFolderError: when it is missing or no text.
        """
        content = self.read_whole(self.config_path)
        if content is None:
            raise RunFolderError(f"The run {self.id} lacks its config.yaml.")
        return _text(content, self.config_path)

    def settings(self) -> dict[str, Any]:
        """Read the settings in ``config.yaml`` by dotted key, without what the experiment says besides.

        Raises:
            RunFolderError: when the file is missing.
            SettingsError: when it is damaged.
        """
        from seqlab.settings import read_text

        data = read_text(self.config_text(), source=str(self.config_path)).data
        return leaves({key: value for key, value in data.items() if key not in _ASIDE})

    def log(self, line: str) -> None:
        """Append a line to ``train.log``."""
        _append(self.log_path, line)

    def write_error(self, text: str) -> None:
        """Write ``error.txt``."""
        replace_file(self.error_path, text.rstrip("\n") + "\n")

    def error_text(self) -> str | None:
        """Read ``error.txt``, or return None when there is none."""
        try:
            return _text(read_bytes(self.error_path), self.error_path)
        except FileNotFoundError:
            return None

    def read_whole(self, path: Path, info: RunInfo | None = None) -> bytes | None:
        """Return what stands in a file of the folder; None where it is not there.

        Args:
            path: of the file.
            info: what ``run.json`` holds; None where that is to be read.

        Raises:
            RunFolderError: when ``run.json`` has it on record, and it is missing or holds something else.
        """
        recorded = (info or self.info()).files.get(path.relative_to(self.path).as_posix())
        try:
            content = read_bytes(path)
        except FileNotFoundError:
            if recorded is None:
                return None
            raise RunFolderError(f"{path} is missing, though the run has written it.") from None
        if recorded is not None and recorded != sha256_of(content):
            raise RunFolderError(
                f"{path} is damaged, or was edited: it does not hold what the run wrote.",
                hint="Who has edited it takes its line, and the line `sha256`, out of run.json.",
            )
        return content

    def require_whole(self, path: Path) -> None:
        """Refuse a file that ``run.json`` has on record, where it is missing or holds something else."""
        info = self.info()
        if path.relative_to(self.path).as_posix() in info.files:
            self.read_whole(path, info)

    def _read_info(self) -> dict[str, Any]:
        try:
            return unsealed(read_json(self.info_path), self.info_path)
        except FileNotFoundError:
            raise RunFolderError(f"{self.path} is no run folder: it has no run.json.") from None

    def _metric_lines(self) -> Iterator[tuple[bytes, dict[str, Any]]]:
        lines = (self.read_whole(self.metrics_path) or b"").splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            lines.pop()
        for number, line in enumerate(lines, 1):
            try:
                record = from_json(line)
            except ValueError:
                record = None
            if not isinstance(record, dict):
                raise RunFolderError(f"{self.metrics_path}, line {number}, is damaged.")
            yield line, record


def _append(path: Path, lines: str) -> bytes:
    """Append lines with one write, so that no other process's line falls into them; return what was written.

    Raises:
        OSError: when there is no room for all of it; what a part of it left is a line that was cut short.
    """
    data = f"{lines}\n".encode()
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
    try:
        if os.write(file, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(file)
    return data


def _text(content: bytes, path: Path) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise RunFolderError(f"{path} is damaged: it is not UTF-8 text.") from None
