"""What must start fast imports nothing heavy; proven by the modules that a process has loaded at its end."""

import subprocess
import sys

import pytest

HEAVY = {"torch", "numpy", "matplotlib", "scipy", "pandas"}
CODE = """
import atexit, sys
atexit.register(lambda: print("\\nLOADED " + " ".join(sorted(sys.modules)), flush=True))
sys.argv = ["seqlab", *{words!r}]
from seqlab.__main__ import main
main()
"""


def loaded(*words, **env):
    """Run the command in a process of its own and return its output and the modules it loaded."""
    import os

    answer = subprocess.run(
        [sys.executable, "-c", CODE.format(words=words)],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, **env},
    )
    out, _, modules = answer.stdout.rpartition("LOADED ")
    assert modules, answer.stderr
    return out, set(modules.split())


def test_help_and_version_load_nothing_heavy():
    for word in ("--help", "--version"):
        out, modules = loaded(word)
        assert "seqlab" in out
        assert modules & (HEAVY | {"pydantic", "yaml"}) == set()


@pytest.mark.parametrize("words", [["list"], ["list", "models", "--json"], ["config", "--help"]])
def test_listing_and_the_help_of_a_command_load_nothing_heavy(words):
    out, modules = loaded(*words)
    assert out
    assert modules & (HEAVY | {"pydantic"}) == set()
    assert "seqlab.settings.schema" not in modules


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("seqlab config hel", "hello"),
        ("seqlab config hello --model ls", "lstm"),
        ("seqlab config hello --task temp", "temporal-order"),
    ],
)
def test_completion_offers_names_and_loads_nothing_heavy(words, offered):
    out, modules = loaded(
        _SEQLAB_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1)
    )
    assert offered in out.split()
    assert modules & HEAVY == set()
    assert "seqlab.settings.schema" not in modules
