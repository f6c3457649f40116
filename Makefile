# Everything that can be done with this repository. It needs Python 3.11 or newer and make.
# Each command sets up what it needs first, and does nothing twice.

PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
ARGS ?=

# Hundreds of short processes read the same modules: their bytecode is kept, also where it is not by default.
export PYTHONDONTWRITEBYTECODE =
# The arrays of a course are small: threads only cost time, most of all when the tests share the cores.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
# What takes seconds is computed once for all commands, until the package changes.
export OPTIMLAB_MEMORY ?= $(CURDIR)/_build/memory

PY = "$(VENV)/bin/python"
JS = optimlab/widgets/js

.DEFAULT_GOAL := help
.PHONY: help setup site book serve test test-lowest notebooks homework grade lint format bundle bench lock clean

help: ## say what there is
	@echo "make book       build the course and read it on this computer"
	@echo "make test       set up and run every test"
	@echo
	@echo "make serve      serve the site that is already built (PORT=8000)"
	@echo "make site       build the site without serving it"
	@echo "make notebooks  run every chapter again and store its normalized outputs"
	@echo "make homework   write the students' homework (SEED=7 STUDENTS=list.csv TO=folder)"
	@echo "make grade      grade a folder of notebooks (SUBMITTED=folder SEED=7 STUDENTS=list.csv TO=folder)"
	@echo "make test-lowest  run every chapter with the lowest supported versions, as on Colab"
	@echo "make lint       check style and formatting; make format repairs what it can"
	@echo "make bench      measure the promised speed; jax and optax are optional peers"
	@echo "make bundle     bundle the widgets' JavaScript"
	@echo "make lock       write requirements.txt from what is installed in the environment"
	@echo "make setup      create or update the virtual environment (VENV=.venv)"
	@echo "make clean      remove what was built; the environment stays"
	@echo
	@echo "make test ARGS='-k links' passes options on to pytest."

setup:
	@$(PYTHON) tools/setup.py "$(VENV)"

site: setup
	@$(PY) tools/book.py build

book: site
	@$(PY) tools/book.py serve --port $(PORT)

serve: setup
	@$(PY) tools/book.py serve --port $(PORT)

test:
	@$(PYTHON) tools/setup.py --browser --bundler "$(VENV)"
	@$(PY) -m pytest -n auto --dist worksteal $(ARGS)

test-lowest:
	@$(PYTHON) tools/lowest.py "$(VENV)-lowest" $(ARGS)

notebooks: setup
	@$(PY) tools/notebooks.py $(ARGS)

homework: setup
	@$(PY) tools/homework.py site
	@$(PY) tools/homework.py make $(if $(SEED),--seed $(SEED)) $(if $(STUDENTS),--students "$(STUDENTS)") $(if $(TO),--to "$(TO)") $(ARGS)

grade: setup
	@$(PY) tools/grade.py "$(SUBMITTED)" $(if $(SEED),--seed $(SEED)) $(if $(STUDENTS),--students "$(STUDENTS)") $(if $(TO),--to "$(TO)") $(ARGS)

lint: setup
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) tools/notebooks.py --check

format: setup
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bundle:
	@$(PYTHON) tools/setup.py --bundler "$(VENV)"
	@PATH="$(CURDIR)/$(VENV)/bin:$(VENV)/bin:$$PATH" && cd $(JS) && npm run build

bench: setup
	@$(PY) benchmarks/run.py $(ARGS)

lock: setup
	@$(PY) tools/lock.py

clean:
	rm -rf _build .pytest_cache .hypothesis .ruff_cache
