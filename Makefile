# Every target sets itself up: the first call makes .venv and installs into it, later calls install nothing.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test lint check check-slow bench gallery clean

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "seqlab needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev,fast,analysis,sentiment,translate]'
	touch $(READY)

demo: $(READY)  ## Train a character model and sample from it, then compare two models: under 3 minutes, offline.
	$(BIN)/seqlab train char-shakespeare --budget 60s
	$(BIN)/seqlab compare rnn lstm --seeds 6
	$(BIN)/seqlab sample --prime "the" --length 300

test: $(READY)  ## All tests and doctests but the slow ones.
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -q -m "not slow"

lint: $(READY)  ## Style, types and layers.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

check-slow: $(READY)  ## The claims of the shipped experiments, trained in full: more than an hour.
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -m slow

bench: $(READY)  ## Every measurement behind a figure in the documents.
	for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done
	$(BIN)/seqlab bench

gallery: $(READY)  ## docs/gallery.md and its pictures, from real runs: about a quarter of an hour.
	$(BIN)/python docs/make_gallery.py

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
