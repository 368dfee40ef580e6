"""`seqlab complete`."""

from __future__ import annotations

import codecs
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from seqlab.cli import options
from seqlab.cli.console import show_json, show_table, tell
from seqlab.cli.language_model import (
    Alone,
    NewestRun,
    Unknown,
    open_language_model,
    visible,
)

if TYPE_CHECKING:
    from seqlab.generation.completion import Completion
    from seqlab.text import Vocabulary

    Suggest = Callable[[str], list[Completion]]

CONTEXT = 1000
"""Characters before the cursor that are read."""

BACKSPACE, ENDS = ("\x7f", "\b"), ("\x1b", "\x04", "\x1a")
_SEQUENCE = re.compile(r"\x1b(\[[0-9;]*[A-Za-z~]|O.)")


def complete(
    run: NewestRun = None,
    once: Annotated[str | None, typer.Option(help="Complete this text, print, and leave.")] = None,
    count: Annotated[int, typer.Option(min=1, max=9, help="Continuations to suggest.")] = 3,
    unknown: Unknown = "refuse",
    checkpoint: options.Checkpoint = "best",
    alone: Alone = False,
    model: options.OwnModel = None,
    anyway: options.Anyway = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: as JSON.")] = False,
) -> None:
    """Type, and have the likeliest continuations to the next word boundary suggested.

    Tab takes the first suggestion, a digit the one of that number; Escape or Ctrl-D ends.

    Examples: seqlab complete / seqlab complete --once "to be or n" --json
    """
    from seqlab.errors import UsageError
    from seqlab.generation import completion
    from seqlab.generation.priming import encode

    if once is None and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("Typing needs a terminal.", hint='In scripts: seqlab complete --once "to be or n"')
    found, network, vocabulary = open_language_model(run, checkpoint, model, alone=alone, anyway=anyway)
    if vocabulary.tokens == "word":
        raise UsageError(
            f"{found.id} reads whole words, so there is no rest of one to suggest.",
            hint=f"Have it go on with: seqlab sample {found.id}",
        )
    start = vocabulary.start or ""

    def suggest(text: str) -> list[Completion]:
        codes = encode(vocabulary, (start + text)[-CONTEXT:], unknown)
        if len(codes) == 0:
            codes = vocabulary.encode(vocabulary.symbols[0])
        return completion.complete(network, vocabulary, codes, count=count)

    if once is None:
        return _type(suggest, vocabulary)
    found_ones = suggest(once)
    if as_json:
        rows = [{"text": one.text, "probability": one.probability} for one in found_ones]
        return show_json({"run": found.id, "text": once, "completions": rows})
    show_table(
        ("probability", "continuation"),
        [(f"{one.probability:.4f}", visible(one.text)) for one in found_ones],
    )
    return None


def _type(suggest: Suggest, vocabulary: Vocabulary) -> None:
    """Read keys, show suggestions, and print the text at the end."""
    text = ""
    screen = sys.stderr
    tell("Tab or 1, 2, 3 takes a suggestion; Escape or Ctrl-D ends.")
    with _single_keys() as keys:
        suggestions = suggest(text)
        screen.write(_picture(text, suggestions))
        screen.flush()
        for key in keys:
            if key in ENDS:
                break
            before = text
            text = _after(key, text, suggestions, vocabulary)
            if text == before:
                screen.write("\a")
            done = text.split("\n")[before.count("\n") : -1]
            if done:  # lines that have come to their end stay on the screen
                screen.write("\r\x1b[J" + "".join(f"{line}\n" for line in done))
            suggestions = suggest(text) if text != before else suggestions
            screen.write(_picture(text, suggestions))
            screen.flush()
        screen.write("\r\x1b[J")
        screen.flush()
    print(text if not sys.stdout.isatty() else text.rpartition("\n")[2])


def _after(key: str, text: str, suggestions: list[Completion], vocabulary: Vocabulary) -> str:
    """Return the text after a key; a key that means nothing leaves it as it is."""
    taken = 1 if key == "\t" else int(key) if key in "123456789" else 0
    if 0 < taken <= len(suggestions):
        return text + suggestions[taken - 1].text
    if key in BACKSPACE:
        return text[:-1]
    key = "\n" if key == "\r" else key
    any_text = vocabulary.tokens == "byte" or vocabulary.rare is not None
    known = key in vocabulary or (any_text and (key == "\n" or key.isprintable()))
    return text + key if known else text


def _picture(text: str, suggestions: list[Completion]) -> str:
    """Draw the last line of the text, the suggestions below it, and go back to the end of the text."""
    from rich.cells import cell_len, set_cell_size

    columns = shutil.get_terminal_size().columns
    line = text.rpartition("\n")[2]
    while cell_len(line) > columns - 1:
        line = line[1:]
    offers = [f"{n} {visible(one.text)} {one.probability:.0%}" for n, one in enumerate(suggestions, 1)]
    offered = "   ".join(offers)
    if cell_len(offered) > columns - 1:
        offered = set_cell_size(offered, columns - 1)
    ahead = f"\x1b[{cell_len(line)}C" if line else ""
    return f"\r\x1b[J{line}\n{offered}\x1b[1A\r{ahead}"


@contextmanager
def _single_keys() -> Iterator[Iterator[str]]:
    """Have the terminal hand over every key at once and show none; whatever happens, set it back."""
    try:
        import termios
        import tty
    except ImportError:
        yield _windows_keys()
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    asked = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        tty.setcbreak(terminal)
        yield _unix_keys(terminal)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        signal.signal(signal.SIGTERM, asked)


def _unix_keys(terminal: int) -> Iterator[str]:
    """Yield characters; what arrows and the like send (Escape and more, at once) is passed over."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while data := os.read(terminal, 1024):
        yield from _SEQUENCE.sub("", decoder.decode(data))


def _windows_keys() -> Iterator[str]:
    import msvcrt

    while True:
        key = msvcrt.getwch()  # type: ignore[attr-defined]
        if key in ("\x00", "\xe0"):  # an arrow or the like: the next says which
            msvcrt.getwch()  # type: ignore[attr-defined]
        elif key == "\x03":
            raise KeyboardInterrupt
        else:
            yield key
