"""The page of a comparison: one HTML file that needs nothing else, no script and no network.

The pictures are inline SVG whose colours are the page's variables, so they follow it into the dark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from seqlab.errors import RunFolderError
from seqlab.figures.style import COLOURS, SHADES, shade
from seqlab.outside import read_ordinary

STYLE = Path(__file__).with_name("page.css")
GRID = "#e0e0e0"

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""What a browser lets the page do: show itself. No script runs, nothing is fetched."""

DRAWN = {
    "svg", "g", "path", "defs", "use", "clipPath", "rect", "circle", "ellipse", "line", "polyline", "polygon",
    "style", "text", "tspan", "title", "desc", "image", "linearGradient", "radialGradient", "stop", "pattern",
}  # fmt: skip
"""The elements of a picture."""

_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)

INSIDE = re.compile(r"#|data:image/png;base64,")
"""How what a picture refers to begins."""


def page(facts: Mapping[str, Any], folder: Path) -> str:
    """Return the page of a comparison as HTML.

    Args:
        facts: what its ``comparison.json`` holds.
        folder: where that lies, with the pictures beside it; links to runs are relative to it.

    Raises:
        RunFolderError: when a picture is missing, or holds more than a picture; or the facts are damaged.
    """
    try:
        return _page(facts, folder)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise RunFolderError(
            f"The facts in {folder} are damaged: {type(error).__name__}: {error}.", hint="Compare again."
        ) from None


def _page(facts: Mapping[str, Any], folder: Path) -> str:
    title = _title(facts)
    parts = [
        f"<header>\n<h1>{escape(title)}</h1>",
        f'<p class="question">{escape(str(facts["question"]))}</p>\n</header>',
        _verdict(facts),
        _section("Results", _results(facts)),
        _section("Pictures", _pictures(facts["figures"], folder)),
        _section("Settings", _settings(facts)),
        _section("Runs", _runs(facts)),
        _section("Where it ran", _environment(facts)),
        _section("To repeat it", f"<pre>{escape(str(facts.get('command', '')))}</pre>"),
    ]
    body = "\n".join(part for part in parts if part)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>{escape(title)}</title>\n<style>\n{STYLE.read_text(encoding='utf-8')}</style>\n</head>\n"
        f"<body>\n{body}\n<footer>Made by seqlab from {escape(folder.name)}.</footer>\n</body>\n</html>\n"
    )


def inline(svg: str, prefix: str) -> str:
    """Return an SVG file as an element of a page.

    Its colours become the page's variables, and its ids get a prefix, since ids hold for a whole page.

    >>> inline('<?xml version="1.0"?><svg width="9pt"><path id="a" style="fill: #ffffff"/></svg>', "x-")
    '<svg width="9pt"><path id="x-a" style="fill: none"/></svg>'
    """
    svg = _METADATA.sub("", svg[svg.index("<svg") :])
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}\1"', svg)
    svg = re.sub(r'(xlink:href="|url\()#', rf"\1#{prefix}", svg)
    svg = svg.replace("fill: #ffffff", "fill: none").replace(GRID, "var(--grid)")
    for index, colour in enumerate(COLOURS):
        own = "currentColor" if colour == "#000000" else f"var(--c{index})"
        for amount in SHADES:
            end = f"var(--{'paper' if amount > 0 else 'ink'}) {abs(amount):.0%}"
            svg = svg.replace(shade(colour, amount), f"color-mix(in srgb, {own}, {end})" if amount else own)
    return svg.strip()


def _title(facts: Mapping[str, Any]) -> str:
    models = list(dict.fromkeys(str(row["model"]) for row in facts["table"]))
    shown = ", ".join(models[:4]) + (f" and {len(models) - 4} more" if len(models) > 4 else "")
    return f"{shown} on {facts.get('on', facts.get('name', 'a task'))}"


def _verdict(facts: Mapping[str, Any]) -> str:
    said = [*str(facts["verdict"]).split("\n"), *facts.get("notes", [])]
    return (
        '<section class="verdict">\n' + "\n".join(f"<p>{escape(text)}</p>" for text in said) + "\n</section>"
    )


def _results(facts: Mapping[str, Any]) -> str:
    rows = facts["table"]
    seeds = facts.get("seeds", [])
    about = (
        f"<p>{len(seeds)} seed{'s' if len(seeds) != 1 else ''}. In brackets 95 % intervals: Wilson's of a "
        "share, Student's of a mean. Sequences to solve: median (quartiles), runs that did not solve it "
        "counted as taking longer than they were given (Kaplan-Meier).</p>"
    )
    return about + _table(
        list(rows[0]), [[_whole(str(cell)) for cell in row.values()] for row in rows], "model"
    )


def _whole(cell: str) -> str:
    """Escape a cell; an interval in it is not broken over two lines.

    >>> _whole("3/3 [0.44, 1.00]")
    '3/3 [0.44,&nbsp;1.00]'
    """
    return re.sub(r"\[[^\]]*\]", lambda found: found[0].replace(" ", "&nbsp;"), escape(cell))


def _pictures(figures: Sequence[Mapping[str, str]], folder: Path) -> str:
    """Return the pictures; the overview is left out where its parts stand alone."""
    shown = [one for one in figures if one["name"] != "comparison"] or list(figures)
    found = []
    for index, one in enumerate(shown):
        path = folder / Path(one["svg"]).name
        try:
            svg = read_ordinary(path).decode("utf-8")
        except OSError:
            raise RunFolderError(f"The picture {path} is missing.", hint="Compare again.") from None
        label = f'<svg role="img" aria-label="{escape(one["caption"])}"'
        svg = _METADATA.sub("", svg[max(svg.find("<svg"), 0) :])
        _require_picture(svg, path)
        drawn = inline(svg, f"p{index}-").replace("<svg", label, 1)
        found.append(f"<figure>\n{drawn}\n<figcaption>{escape(one['caption'])}</figcaption>\n</figure>")
    return '<div class="pictures">\n' + "\n".join(found) + "\n</div>" if found else ""


def _require_picture(svg: str, path: Path) -> None:
    """Refuse an SVG file that holds more than a picture, such as a script or a link.

    Raises:
        RunFolderError: naming what is wrong.
    """
    try:
        if "<!ENTITY" in svg or "<![CDATA[" in svg:
            raise ValueError("an entity or raw data")
        for element in ElementTree.fromstring(svg).iter():
            name = str(element.tag).rpartition("}")[2]
            if name not in DRAWN:
                raise ValueError(f"an element {name}")
            for key, value in element.items():
                key = key.rpartition("}")[2].lower()
                if key.startswith("on") or (key == "href" and not INSIDE.match(value)):
                    raise ValueError(f"{key}={value[:60]!r}")
    except (ElementTree.ParseError, ValueError) as error:
        raise RunFolderError(
            f"The picture {path} is none that seqlab has drawn: it holds {error}.", hint="Compare again."
        ) from None


def _settings(facts: Mapping[str, Any]) -> str:
    differing = [
        (" ".join(filter(None, [one.get("level"), one["model"]])), _words(one["settings"]))
        for one in facts.get("differing", [])
    ]
    shared = _list(sorted((key, _value(value)) for key, value in facts.get("settings", {}).items()))
    return (
        f"<p>What differs:</p>\n{_list(differing)}\n" if any(words for _, words in differing) else ""
    ) + f"<details>\n<summary>What all runs share</summary>\n{shared}\n</details>"


def _runs(facts: Mapping[str, Any]) -> str:
    runs = facts["runs"]
    metric = str(facts.get("metric_name", "metric"))
    columns = ["run", "model", "level", "seed", "status", "sequences to solve", metric]
    if not any(run.get("level") for run in runs):
        columns.remove("level")
    if all(run.get("solved") is None for run in runs):
        columns.remove("sequences to solve")
    rows = [[_run_cell(run, column, metric) for column in columns] for run in runs]
    table = _table(columns, rows, "run")
    return f"<details>\n<summary>All {len(runs)} runs</summary>\n{table}\n</details>"


def _run_cell(run: Mapping[str, Any], column: str, metric: str) -> str:
    """Return a cell of the table of runs, as HTML."""
    if column == "run":
        if not run.get("path"):
            return "–"
        return f'<a href="{quote(run["path"])}/">{escape(run["id"])}</a>'
    if column == "status" and run["status"] == "failed":
        return f'<span class="failed">failed</span>: {escape(str(run.get("failure") or ""))}'
    if column == "sequences to solve":
        return f"{run['sequences_to_solve']:,}" if run.get("solved") else "not solved"
    value = run.get(column)
    if column == metric:
        return "–" if value is None else f"{value:.4g}"
    return escape(str(value))


def _environment(facts: Mapping[str, Any]) -> str:
    found = facts.get("environment", {})
    items = {
        "date": str(facts.get("created", ""))[:16].replace("T", " ") + " UTC",
        **found.get("versions", {}),
        "commit": found.get("git_commit"),
        **found.get("machine", {}),
    }
    return _list((key, str(value)) for key, value in items.items() if value is not None)


def _section(heading: str, content: str) -> str:
    return f"<section>\n<h2>{escape(heading)}</h2>\n{content}\n</section>" if content else ""


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], header: str) -> str:
    """Return a table; cells are HTML, and the column ``header`` names its rows."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    lines = []
    for row in rows:
        cells = [
            f'<th scope="row">{cell}</th>'
            if column == header
            else f'<td data-label="{escape(column)}">{cell}</td>'
            for column, cell in zip(columns, row, strict=True)
        ]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f"<table>\n<thead>\n<tr>{head}</tr>\n</thead>\n<tbody>\n" + "\n".join(lines) + "\n</tbody>\n</table>"
    )


def _list(items: Iterable[tuple[str, str]]) -> str:
    lines = [f"<dt>{escape(key)}</dt>\n<dd>{escape(value)}</dd>" for key, value in items]
    return "<dl>\n" + "\n".join(lines) + "\n</dl>" if lines else ""


def _words(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={_value(value)}" for key, value in sorted(settings.items()))


def _value(value: Any) -> str:
    """Return a value as it stands in settings files.

    >>> _value(None), _value(True), _value(0.5), _value("adam")
    ('null', 'true', '0.5', 'adam')
    """
    return value if isinstance(value, str) else json.dumps(value)
