"""Settings and readers, fed with what a fuzzer makes of them: nothing but seqlab's own errors may come out.

    pip install atheris
    python benchmarks/fuzz.py [TARGET] [--seconds 600]

Without a target each has its turn, with 60 seconds. Targets: settings; texts, primes; stories, pairs; images (of the
digits), pictures (of a user's own); tables, owned (what the tasks labels, series, tags and lines make of a file); run,
packed, comparison. The fuzzer (Google's atheris) follows which lines an input reaches, and goes on from there. It ends
with the input in a file at the first uncaught exception, when one input takes more than 10 seconds, or more than 2 GB
of memory.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

try:
    import atheris  # type: ignore[import-not-found]
except ImportError:
    print("Not run: pip install atheris")
    sys.exit()

with atheris.instrument_imports(include=["seqlab"]):
    from seqlab.comparison.record import read as read_comparison
    from seqlab.data import read_table
    from seqlab.errors import SeqlabError
    from seqlab.figures.page import page
    from seqlab.generation.priming import encode
    from seqlab.registry import resolve
    from seqlab.runs import Run, create_run, read_entry
    from seqlab.runs.packing import PACKED, pack_run, unpack_run
    from seqlab.session.seeing import see_file
    from seqlab.settings import TrainExperiment, check
    from seqlab.settings.reader import read_file
    from seqlab.tasks import Form
    from seqlab.tasks.own.labels import Labels
    from seqlab.tasks.own.series import Series
    from seqlab.tasks.own.tags import Tags
    from seqlab.tasks.pictures._idx import read_idx
    from seqlab.tasks.stories._published import Published
    from seqlab.tasks.text.lines import Lines
    from seqlab.text.parallel import load_pairs
    from seqlab.text.reading import read_blocks, read_stream
    from seqlab.text.tokens import Tokens, count
    from seqlab.text.vocabulary import Vocabulary

FOLDER = Path(tempfile.mkdtemp(prefix="seqlab-fuzz-"))
os.environ["SEQLAB_RUNS_DIR"] = str(FOLDER / "runs")
ENCODINGS = ("utf-8", "utf-16", "cp949", "latin-1", "shift-jis")
ENDINGS = (".csv", ".tsv", ".txt", ".jsonl", ".npy", ".parquet")
OWN = (Labels, Series, Tags, Lines)
NAME = "e-m-s1-20260101-000000-abcd"


def written(name: str, data: bytes) -> Path:
    path = FOLDER / name
    path.write_bytes(data)
    return path


def settings(data: bytes) -> None:
    document = read_file(written("fuzz.yaml", data))
    experiment = check(document)
    if isinstance(experiment, TrainExperiment):
        resolve(experiment, document)


def texts(data: bytes) -> None:
    encoding, path = ENCODINGS[data[0] % len(ENCODINGS) if data else 0], written("fuzz.txt", data[1:])
    text = "".join(read_blocks([path], encoding))
    vocabulary = Vocabulary.of(text) if text else None
    if vocabulary is not None:
        assert vocabulary.decode(vocabulary.encode(text)) == text


def primes(data: bytes) -> None:
    first, data = (data[0], data[1:]) if data else (0, data)
    text = read_stream(io.BytesIO(data), "a prime", ENCODINGS[first % len(ENCODINGS)])
    tokens: Tokens = ("char", "byte", "word")[first % 3]
    known = Vocabulary.counted(count(["To be, or not to be."], tokens), tokens)
    for unknown in ("skip", "replace", "refuse"):
        known.decode(encode(known, text, unknown))


def tables(data: bytes) -> None:
    ending = ENDINGS[data[0] % len(ENDINGS) if data else 0]
    table = read_table(written(f"fuzz{ending}", data[1:]))
    for kind in ("numbers", "texts", "times"):
        table.columns(**{kind: table.of_kind(kind)})


def owned(data: bytes) -> None:
    first, ending = (data[0] % len(OWN), ENDINGS[data[0] // len(OWN) % 4]) if data else (0, ".csv")
    path = written(f"fuzz{'.txt' if first > 1 else ending}", data[1:])
    task = OWN[first](**{"corpus" if OWN[first] is Lines else "table": str(path)})
    task.batch("train", 0, size=2, seed=1)


def pictures(data: bytes) -> None:
    path = written("fuzz.png", data)
    for form in (Form(8, 8, fill=0.7), Form(8, 12, features=3)):
        shown = see_file(path, form).pixels
        assert shown.min() >= 0
        assert shown.max() <= 1


def packed(data: bytes) -> None:
    path = written("fuzz.zip", data[1:])
    if data[:1] == b"\1":  # what somebody might tell of a run that is whole
        with zipfile.ZipFile(path, "w") as made:
            made.writestr(f"{NAME}/run.json", "{}")
            made.writestr(f"{NAME}/{PACKED}", data[1:])
    back = unpack_run(path)
    assert back.path.parent == FOLDER / "runs"
    shutil.rmtree(back.path)


def stories(data: bytes) -> None:
    Published.read(str(written("fuzz.txt", data)))


def pairs(data: bytes) -> None:
    ending = (".tsv", ".po", ".mo")[data[0] % 3 if data else 0]
    load_pairs(str(written(f"fuzz{ending}", data[1:])))


def images(data: bytes) -> None:
    read_idx(written("fuzz-idx3-ubyte", data), "images")


def run(data: bytes) -> None:
    parts = (data.split(b"\0\0", 3) + [b""] * 3)[:4]
    for name, part in zip(("run.json", "summary.json", "metrics.jsonl", "config.yaml"), parts, strict=True):
        written(name, part)
    read_entry(FOLDER)
    for act in (Run(FOLDER).metrics, Run(FOLDER).summary, Run(FOLDER).settings, Run(FOLDER).answers):
        with suppress(SeqlabError):
            act()


def comparison(data: bytes) -> None:
    written("comparison.json", data)
    page(read_comparison(FOLDER), FOLDER)


def a_picture() -> bytes:
    """Return a PNG of 12 x 9 pixels."""
    made = io.BytesIO()
    Image.frombytes("L", (12, 9), bytes(range(108))).save(made, "PNG")
    return made.getvalue()


def an_array() -> bytes:
    """Return an array of NumPy's."""
    made = io.BytesIO()
    np.save(made, np.arange(6.0).reshape(3, 2))
    return made.getvalue()


def parquet() -> bytes:
    """Return a table in Parquet."""
    from pyarrow import parquet, table

    made = io.BytesIO()
    parquet.write_table(table({"a": [1.5, None, 3.0], "b": ["x", "y", None]}), made)
    return made.getvalue()


def a_packed_run() -> bytes:
    """Return a run in one file."""
    made = create_run("e", "m", 1, command="seqlab", config_text="kind: train\n")
    made.update_info(status="finished")
    pack_run(made, FOLDER / "first.zip")
    shutil.rmtree(made.path)
    return (FOLDER / "first.zip").read_bytes()


TARGETS: dict[str, Callable[[bytes], None]] = {
    one.__name__: one
    for one in (
        settings, texts, primes, stories, pairs, images, pictures, tables, owned, run, packed, comparison
    )
}  # fmt: skip
BEGINNINGS: dict[str, Callable[[], list[bytes]]] = {
    "settings": lambda: [
        b"kind: train\ntask: {name: hello}\nmodel: {name: rnn, hidden_size: 8}\ntraining: {steps: 3}\n"
    ],
    "texts": lambda: [b"\0To be, or not to be\r\n"],
    "primes": lambda: [b"\0To be, \xc3\xa9 or not\r\n", b"\2To be, or not to be.\n"],
    "stories": lambda: [
        b"1 Mary went home.\n2 Where is Mary?\thome\t1\n1 John left.\n2 Where is John?\tout\t1\n" * 3
    ],
    "pairs": lambda: [b'\1msgid "one"\nmsgstr "eins"\n'],
    "images": lambda: [b"\0\0\x08\x03\0\0\0\1\0\0\0\2\0\0\0\2abcd"],
    "pictures": lambda: [a_picture()],
    "tables": lambda: [
        b'\0date;a;b\n2024-01-01;1,5;"x"\n2024-01-02;;y\n2024-02-03;-2,5e3;z\n',
        b'\3{"date": "2024-01-01", "a": 1.5, "b": "x"}\n{"date": "2024-01-02", "a": null}\n',
        b"\4" + an_array(),
        b"\5" + parquet(),
    ],
    "owned": lambda: [
        b"\0text,label\n" + b"".join(b"word %d,%d\n" % (n, n % 2) for n in range(12)),
        b"\1a,b\n" + b"".join(b"%d,%d\n" % (n % 7, n % 5) for n in range(300)),
        b"\2" + b"".join(b"word%d A\nand B-x\n\n" % n for n in range(12)),
        b"\3" + b"".join(b"line %d\n" % n for n in range(12)),
    ],
    "run": lambda: [
        b'{"status": "finished", "created": "", "experiment": "e", "model": "m", "seed": 1}'
        b'\0\0{}\0\0{"step": 1}\n\0\0a: 1'
    ],
    "packed": lambda: [
        b"\0" + a_packed_run(),
        b'\1{"run": "r", "files": {"run.json": {"sha256": "' + b"0" * 64 + b'", "bytes": 2}}}',
    ],
    "comparison": lambda: [
        b'{"question": "?", "table": [{"model": "rnn"}], "verdict": "v", "runs": [], "figures": []}'
    ],
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("target", choices=TARGETS, nargs="?")
    parser.add_argument("--seconds", type=int, default=600)
    asked = parser.parse_args()
    if asked.target is None:
        for name in TARGETS:
            subprocess.run([sys.executable, __file__, name, "--seconds", "60"], check=True)
        return
    corpus = Path(tempfile.mkdtemp(prefix=f"seqlab-{asked.target}-"))
    for number, first in enumerate(BEGINNINGS[asked.target]()):
        (corpus / f"first-{number}").write_bytes(first)

    def once(data: bytes) -> None:
        with suppress(SeqlabError), warnings.catch_warnings(action="ignore"):
            TARGETS[asked.target](data)

    limits = [f"-max_total_time={asked.seconds}", "-timeout=10", "-rss_limit_mb=2048", "-max_len=4096"]
    atheris.Setup([sys.argv[0], str(corpus), *limits], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
