"""`seqlab corpus`: the texts that there are to learn from; and how a command is told which one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from seqlab.cli.console import ends_quietly, show_json, show_table, tell
from seqlab.cli.language_model import Json, visible
from seqlab.cli.once import Command, Group

if TYPE_CHECKING:
    from seqlab.settings import TrainExperiment
    from seqlab.text import Corpus, EncodedText

app = typer.Typer(
    cls=Group,
    name="corpus",
    help="The texts to learn from: list, info, fetch.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

LANGUAGE_MODEL = "char-shakespeare"
"""The experiment whose settings serve for a text of the user's own."""

READS = {
    "corpus": ("text: --text, --glob and --encoding are for language models", "--text PATH", LANGUAGE_MODEL),
    "pairs": ("pairs: --pairs is for translation", "--pairs PATH", "translate"),
    "images": ("pictures: --images is for the tasks of the family pictures", "--images FOLDER", "row-digits"),
    "table": (
        "table: --data and the names of its columns are for series, labels and tags",
        "--data FILE",
        "series",
    ),
    "file": ("stories: --story is for the task stories", "--story FILE", "stories"),
}
"""By the task's option, what is said of one that has it not, what to type, and the experiment for it."""

SEVERAL = ("columns", "target")
"""Options of tasks that take the names of several columns."""

LABELLED = ("text", "label")
"""Columns that are named of labelled sequences only."""

SHOWN = 20
"""Tokens of a vocabulary that are shown."""

Name = Annotated[str, typer.Argument(help="functions, miniature, python, shakespeare, or a file or folder.")]


def choose_text(
    experiment: str | None,
    config: Path | None,
    words: Sequence[str],
    text: str | None,
    glob: str | None,
    encoding: str | None,
    task: str | None = None,
) -> tuple[str | None, list[str]]:
    """Return the experiment and the settings that --text, --glob and --encoding come to.

    Without an experiment, a text is learned with the settings of :data:`LANGUAGE_MODEL`, in a run that has
    its name.

    Raises:
        UsageError: when the task of the experiment, in whose place no other ``task`` is put, reads no text.

    >>> choose_text("char-python", None, ["seed=2"], "python", "*.py", None)
    ('char-python', ['task.corpus="python"', 'task.glob="*.py"', 'seed=2'])
    """
    given = {"corpus": text, "glob": glob, "encoding": encoding}
    return _choose(experiment, config, words, given, LANGUAGE_MODEL, task)


def choose_data(
    option: str,
    experiment: str | None,
    config: Path | None,
    words: Sequence[str],
    data: str | None,
    task: str | None = None,
) -> tuple[str | None, list[str]]:
    """Return the experiment and the settings that other data come to, as :func:`choose_text` does.

    Args:
        option: the task's, of :data:`READS`.
        experiment: as it was named.
        config: the user's own, in place of an experiment.
        words: ``key.path=value``.
        data: what is read: a file or a folder, or what has a name.
        task: that takes the place of the experiment's.

    >>> choose_data("pairs", None, None, ["seed=2"], "rus.txt")
    ('translate', ['task.pairs="rus.txt"', 'experiment="rus"', 'seed=2'])
    >>> choose_data("file", "stories-lstm", None, [], "qa1_train.txt")
    ('stories-lstm', ['task.file="qa1_train.txt"'])
    """
    return _choose(experiment, config, words, {option: data}, READS[option][2], task)


def choose_table(
    experiment: str | None,
    config: Path | None,
    words: Sequence[str],
    table: str | None,
    columns: Mapping[str, str | None],
    task: str | None = None,
) -> tuple[str | None, list[str]]:
    """Return the experiment and the settings that a table comes to, as :func:`choose_data` does.

    Args:
        experiment: as it was named.
        config: the user's own, in place of an experiment.
        words: ``key.path=value``.
        table: the file.
        columns: by the task's option the names of columns; with commas between, where it takes several.
        task: that takes the place of the experiment's.

    >>> choose_table(None, None, [], "sales.csv", {"target": "a,b", "time": "day", "group": None})
    ('series', ['task.table="sales.csv"', 'task.target=["a", "b"]', 'task.time="day"', 'experiment="sales"'])
    >>> choose_table(None, None, ["seed=2"], "mails.csv", {"text": "body", "label": "is_spam"})[0]
    'labels'
    """
    labelled = any(columns.get(name) for name in LABELLED)
    usual = "labels" if labelled else READS["table"][2]
    told = {key: name.split(",") if name and key in SEVERAL else name for key, name in columns.items()}
    return _choose(experiment, config, words, {"table": table, **told}, usual, task)


def _choose(
    experiment: str | None,
    config: Path | None,
    words: Sequence[str],
    given: Mapping[str, str | list[str] | None],
    usual: str,
    task: str | None,
) -> tuple[str | None, list[str]]:
    """Return the experiment and the settings for options of the task; the first names the data.

    Without an experiment it is the ``usual`` one, in a run that has the data's name.
    """
    if not any(given.values()):
        return experiment, list(words)
    if experiment is not None and "=" in experiment:
        words, experiment = [experiment, *words], None
    data = next(iter(given.values()))
    if isinstance(data, str) and experiment is None and config is None:
        named = any(word.startswith("experiment=") for word in words)
        own_name = [] if named else [f"experiment={json.dumps(name_of(data))}"]
        experiment, words = usual, [*own_name, *words]
    elif experiment is not None and task is None:
        _refuse_without(next(iter(given)), experiment)
    own = [f"task.{key}={json.dumps(value, ensure_ascii=False)}" for key, value in given.items() if value]
    return experiment, [*own, *words]


def _refuse_without(option: str, experiment: str) -> None:
    """Refuse an experiment whose task has no option for the data."""
    from seqlab.defaults import component_options
    from seqlab.errors import UsageError
    from seqlab.settings import read_experiment

    task = read_experiment(experiment).data.get("task", {}).get("name")
    if task is not None and option in component_options("task", task):
        return
    missing, typed, usual = READS[option]
    raise UsageError(
        f"{experiment} reads no {missing}.",
        hint=f"Leave {experiment} out: seqlab train {typed} learns with the settings of {usual}.",
    )


def name_of(text: str) -> str:
    """Return what a run of a text is called.

    >>> name_of("~/My notes (old).txt"), name_of("src/"), name_of("/")
    ('My-notes-old', 'src', 'text')
    """
    return re.sub(r"[^\w]+", "-", Path(text).stem).strip("-")[:60] or "text"


def fit_to_text(settings: TrainExperiment) -> TrainExperiment:
    """Make batch and period as large as the text allows, at most as large as they are."""
    from seqlab.errors import UsageError
    from seqlab.settings import Component
    from seqlab.tasks import build_task
    from seqlab.tasks.text.char_lm import CharLM

    task, training = build_task(settings.task), settings.training
    if not isinstance(task, CharLM):
        raise UsageError(
            f"--fit is for texts; the task {settings.task.name} makes as many sequences as it likes.",
            hint="Leave --fit out.",
        )
    size, period = task.fitting(training.batch_size)
    if (size, period) != (training.batch_size, task.period):
        tell(f"Fitted to the text: training.batch_size={size}, task.period={period}.")
    options = {**settings.task.options, "period": period}
    return settings.model_copy(
        update={
            "training": training.model_copy(update={"batch_size": size}),
            "task": Component(name=settings.task.name, **options),
        }
    )


def list_(as_json: Json = False) -> None:
    """List the texts that there are by name, and where they lie.

    Examples: seqlab corpus list / seqlab corpus list --json
    """
    from seqlab.files import cache_folder
    from seqlab.text.corpora import NAMES, load_corpus, shakespeare_file

    rows = []
    for name, summary in NAMES.items():
        here = name != "shakespeare" or shakespeare_file() is not None
        corpus = load_corpus(name) if here else None
        rows.append(
            {
                "name": name,
                "summary": summary,
                "bytes": None if corpus is None else corpus.size,
                "where": None if corpus is None else _where(corpus),
            }
        )
    if as_json:
        return show_json({"corpora": rows, "cache": str(cache_folder())})
    show_table(
        ("name", "bytes", "where", "summary"),
        [
            (
                str(row["name"]),
                "-" if row["bytes"] is None else f"{row['bytes']:,}",
                str(row["where"] or "not fetched yet: seqlab corpus fetch shakespeare"),
                str(row["summary"]),
            )
            for row in rows
        ],
    )
    tell(f"Cache: {cache_folder()}")
    tell("Any file or folder of text will do, too: seqlab corpus info PATH")
    return None


def info(
    name: Name,
    glob: Annotated[str, typer.Option(help="Which files of a folder.")] = "*",
    encoding: Annotated[str, typer.Option(help="Of the files.")] = "utf-8",
    normalisation: Annotated[
        Literal["none", "NFC", "NFKC"], typer.Option(help="The Unicode form to bring the text into.")
    ] = "none",
    tokens: Annotated[Literal["char", "byte", "word"], typer.Option(help="What a symbol is.")] = "char",
    rare: Annotated[
        int, typer.Option(min=0, help="Fold tokens seen less often than this into one symbol.")
    ] = 0,
    line_ends: Annotated[
        Literal["lf", "keep"], typer.Option(help="Make lines end with a line feed, or keep what there is.")
    ] = "lf",
    documents: Annotated[
        Literal["joined", "marked"], typer.Option(help="Join files by ends of lines, or mark each.")
    ] = "joined",
    as_json: Json = False,
) -> None:
    """Describe a text: where it lies, its length, hash and split, its vocabulary with counts.

    Examples: seqlab corpus info shakespeare / seqlab corpus info src --glob '*.py' --tokens word --rare 5
    """
    from seqlab.text import Reading, encode_corpus, load_corpus
    from seqlab.text.reading import Form

    corpus = load_corpus(name, glob=glob, announce=_announce)
    reading = Reading(encoding, Form(normalisation, line_ends), tokens, rare, documents)
    read = encode_corpus(corpus, reading, announce=_announce)
    data = _describe(corpus, read)
    if as_json:
        return show_json(data)
    shown = {key: value for key, value in data.items() if key != "vocabulary" and value is not None}
    show_table(("field", "value"), [(key, _cell(value)) for key, value in shown.items()])
    counted = sorted(data["vocabulary"].items(), key=lambda item: (-item[1], item[0]))
    print(f"\nthe {min(SHOWN, len(counted))} most frequent of {len(counted):,}:")
    show_table(("token", "count"), [(_named(token), f"{number:,}") for token, number in counted[:SHOWN]])
    if len(counted) > SHOWN:
        tell("All of them: --json")
    return None


def fetch(name: Annotated[str, typer.Argument(help="The text.")] = "shakespeare") -> None:
    """Fetch a text into the cache, so that it is there when there is no network.

    Examples: seqlab corpus fetch shakespeare
    """
    from seqlab.errors import UnknownNameError
    from seqlab.text.corpora import NAMES, fetch_corpus

    if name not in NAMES:
        raise UnknownNameError("text", name, NAMES)
    corpus = fetch_corpus(name, announce=_announce)
    print(f"{name}\t{_where(corpus)}")


def _describe(corpus: Corpus, read: EncodedText) -> dict[str, Any]:
    from seqlab.text.encoded import TRAINING_SHARE

    vocabulary = read.vocabulary
    training = int(TRAINING_SHARE * len(read.codes))
    counts = dict(zip(vocabulary.symbols, vocabulary.counts, strict=True))
    return {
        "name": corpus.name,
        "where": _where(corpus),
        "source": corpus.source,
        "note": corpus.reason,
        "files": len(corpus.files),
        "bytes": corpus.size,
        "characters": read.characters,
        "sha256": read.sha256,
        "tokens": vocabulary.tokens,
        "length": len(read.codes),
        "training": training,
        "held_out": len(read.codes) - training,
        "symbols": len(vocabulary),
        "folded": vocabulary.folded or None,
        "encoded": None if read.path is None else str(read.path),
        "vocabulary": {
            _byte(token) if vocabulary.tokens == "byte" else token: n for token, n in counts.items()
        },
    }


def _where(corpus: Corpus) -> str:
    """Return the file, or the folder that holds the files."""
    first = corpus.files[0]
    return str(first if len(corpus.files) == 1 else first.parent)


def _byte(token: str) -> str:
    return f"0x{token.encode('ascii', 'surrogateescape')[0]:02X}"


def _named(token: str) -> str:
    """Return a token so that it can be seen and told from others."""
    if token == " ":
        return "␣"
    shown = visible(token)
    return shown if shown.isprintable() else repr(token)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _announce(text: str) -> None:
    tell(text)


for command in (list_, info, fetch):
    app.command(command.__name__.rstrip("_"), cls=Command)(ends_quietly(command))
