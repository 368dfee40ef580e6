"""Make docs/settings.md, every setting with its sentence: python docs/make_settings.py."""

from __future__ import annotations

from pathlib import Path

from seqlab import registry
from seqlab.constructors import options_model
from seqlab.settings import kind_names, settings_of
from seqlab.settings.describing import Described, described

PAGE = Path(__file__).with_name("settings.md")
HEAD = """# Settings

This page is made from what the code checks (`python docs/make_settings.py`). `seqlab config NAME --describe`
says the same of one experiment, with its values, and `seqlab explain clip_norm` of one setting;
`seqlab schema` is for editors.

On the command line a setting is a word, `training.learning_rate=1e-3`; in a file the dots are levels:

    training: {learning_rate: 1e-3}
"""


def page() -> str:
    """Return the page."""
    parts = [HEAD]
    for kind in sorted(kind_names(), key=lambda kind: (kind != "train", kind)):
        parts.append(f"## Experiments of kind `{kind}`\n\n{_table(described(settings_of(kind)))}")
    for kind in ("model", "task"):
        for name in registry.names(kind):
            rows = described(options_model(registry.load(kind, name)), kind)
            said = _table(rows) if rows else "It has no settings.\n"
            parts.append(f"## {kind.capitalize()} `{name}`\n\n{said}")
    return "\n".join(parts)


def _table(rows: list[Described]) -> str:
    head = ["| setting | what it is | allowed | by default |", "|---|---|---|---|"]
    return "\n".join([*head, *map(_row, rows)]) + "\n"


def _row(one: Described) -> str:
    default = "" if one.default in (None, "") else f"`{one.default}`"
    cells = (f"`{one.key}`", one.sentence, one.allowed, default)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
