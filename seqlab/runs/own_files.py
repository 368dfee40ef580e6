"""The user's own files behind a run: a copy of each in its folder, and whether they are still what they were.

The copy is for reading and for going back to: nothing runs it unless it is named on the command line.
"""

from __future__ import annotations

from collections.abc import Mapping

from seqlab.errors import RunFolderError
from seqlab.files import replace_file
from seqlab.plugins import is_plugin, with_neighbours
from seqlab.registry import Kind, component_file, component_hash
from seqlab.runs.folder import Run


def keep_own_files(run: Run, names: Mapping[Kind, str]) -> None:
    """Copy the files of a run's own model and task into its folder, each with the neighbours it imports."""
    for kind, name in names.items():
        file = component_file(kind, name)
        if file is None or component_hash(kind, name) is None:
            continue
        for source in with_neighbours(file):
            target = run.own_files / kind / source.relative_to(file.parent)
            target.parent.mkdir(parents=True, exist_ok=True)
            replace_file(target, source.read_bytes())


def require_unchanged(run: Run, named: Mapping[Kind, str | None]) -> None:
    """Refuse files that are not those that a run was trained with: its weights belong to other equations.

    Args:
        run: the run.
        named: the files of its model and its task, as they were named now; None where none was.

    Raises:
        RunFolderError: naming the file, and where the copy of the one it was lies.
    """
    info = run.info()
    identity = info.extra.get("identity")
    if identity is None:  # of an earlier version, which did not write it down
        return
    recorded = identity.get("plugins") or {}
    used: dict[Kind, str] = {"model": info.model, "task": info.task}
    for kind, name in used.items():
        now = named.get(kind)
        if now is None and (kind not in recorded or is_plugin(name)):
            continue  # seqlab's own; or a file that was not named, without which it does not run
        if not _is(kind, now or name, recorded.get(kind)):
            raise _changed(run, kind, now or name, recorded.get(kind))


def where_it_was(run: Run, kind: Kind) -> str:
    """Say where the copy of a run's own file lies; nothing where there is none, as of earlier versions."""
    info = run.info()
    file = component_file(kind, info.model if kind == "model" else info.task)
    copy = None if file is None else run.own_files / kind / file.name
    if copy is None or not copy.is_file():
        return ""
    return f"As it was, it lies in {copy}, and can be named with --{kind}. "


def _is(kind: Kind, name: str, digest: str | None) -> bool:
    """Say whether a component is the one of that hash; one that is missing is missed where it is loaded."""
    file = component_file(kind, name)
    return file is None or not file.is_file() or component_hash(kind, name) == digest


def _changed(run: Run, kind: Kind, name: str, digest: str | None) -> RunFolderError:
    info = run.info()
    if digest is None:
        own = info.model if kind == "model" else info.task
        return RunFolderError(
            f"{run.id} was trained with the {kind} {own} of seqlab, not with {name}.",
            hint=f"Leave --{kind} out, or add --anyway.",
        )
    return RunFolderError(
        f"{name} is not what it was when {run.id} was trained with it.",
        hint=where_it_was(run, kind) + "To use it as it is now, add --anyway.",
    )
