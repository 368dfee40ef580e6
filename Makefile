# Every target sets itself up: the first call makes .venv and installs into it, later calls install nothing.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# Python keeps what it has compiled, also where the environment says otherwise: tests start it hundreds of times.
export PYTHONDONTWRITEBYTECODE :=
EXTRAS := dev,fast,analysis,sentiment,translate,data,onnx
# One process for each of two cores: a third takes longer to collect the tests than it saves by its own.
QUICK := -n 2 -q -m "not slow"

.PHONY: demo test lint check check-slow check-locked check-oldest lock bench gallery clean

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "seqlab needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]'
	$(BIN)/python -m compileall -q seqlab  # as pip does with what it does not leave in its place
	touch $(READY)

demo: $(READY)  ## Train a character model and sample from it, then compare two models: under 3 minutes, offline.
	$(BIN)/seqlab train char-shakespeare --budget 60s
	$(BIN)/seqlab compare rnn lstm --seeds 6
	$(BIN)/seqlab sample --prime "the" --length 300

test: $(READY)  ## All tests and doctests but the slow ones.
	OMP_NUM_THREADS=1 $(BIN)/pytest $(QUICK)

lint: $(READY)  ## Style, types and layers.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

check-slow: $(READY)  ## The claims of the shipped experiments, trained in full: more than an hour.
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -m slow

check-locked:  ## The tests with the very packages of tests/requirements.lock, each of which has its hash.
	$(PYTHON) -m venv .venv-locked
	.venv-locked/bin/pip install --quiet --require-hashes -r tests/requirements.lock
	.venv-locked/bin/pip install --quiet --no-deps --no-build-isolation --editable .
	OMP_NUM_THREADS=1 .venv-locked/bin/pytest $(QUICK)

check-oldest:  ## The tests with the oldest versions that pyproject.toml allows; torch as it is.
	$(PYTHON) -m venv .venv-oldest
	$(PYTHON) tests/oldest.py torch > .venv-oldest/constraints.txt
	.venv-oldest/bin/pip install --quiet -c .venv-oldest/constraints.txt --editable '.[$(EXTRAS)]'
	OMP_NUM_THREADS=1 .venv-oldest/bin/pytest $(QUICK)

lock: $(READY)  ## Write tests/requirements.lock anew.
	$(BIN)/pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --allow-unsafe --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
		--no-annotate --strip-extras --extra $(EXTRAS) -o tests/requirements.lock pyproject.toml

bench: $(READY)  ## Every measurement behind a figure in the documents.
	for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done
	$(BIN)/seqlab bench

gallery: $(READY)  ## docs/gallery.md and its pictures, from real runs: about a quarter of an hour.
	$(BIN)/python docs/make_gallery.py

clean:
	rm -rf .venv .venv-locked .venv-oldest build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
