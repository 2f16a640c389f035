# Each target makes what it needs: the virtual environment, the packages in it, the wheel (only when sources changed).

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

PYTHON := .venv/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# PyO3 asks the interpreter for its version when it is built: let it be always the same.
export PYO3_PYTHON := $(CURDIR)/$(PYTHON)

SOURCES := Cargo.toml Cargo.lock pyproject.toml README.md \
           $(shell find src python -name '*.rs' -o -name '*.py' -o -name '*.pyi' -o -name py.typed)

.PHONY: help demo test attack soak mutants trace kills fuzz sync docs lint bench faults wheel clean

help: ## Print what each target does
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 12

demo: .venv/.installed ## Import a sheet of 20,000 assets into the embedded simulator and report on it
	@$(PYTHON) examples/demo.py

test: .venv/.installed ## Run all tests: the Rust core, and the wheel on every Python that is here
	@echo "== tests: the core, without Python"
	cargo test --quiet --locked --no-default-features --features simulator
	@echo "== tests: $$($(PYTHON) --version), and beside it the other Pythons"
	@.ci/pythons

# Number of inputs for each reader of responses. The readers of rows, in Python, get a hundredth of it.
CASES ?= 100000

fuzz: .venv/.installed ## Give each reader CASES odd inputs (100000): responses, error bodies, dicts, frames
	PROPTEST_CASES=$(CASES) CARGO_PROFILE_TEST_OPT_LEVEL=2 \
		cargo test --locked --no-default-features --features simulator --test core readers::
	HYPOTHESIS_CASES=$$(($(CASES) / 100)) $(PYTHON) -m pytest -q --durations=0 tests/python/test_any_value.py

# soak and kills begin at seed FIRST; a failure prints the command that plays its seed again.
FIRST ?= 0
SCHEDULES ?= 100000
KILLS ?= 200

soak: ## Play SCHEDULES random schedules of faults (100000) on a paused clock
	FIRST=$(FIRST) SCHEDULES=$(SCHEDULES) cargo test --locked --no-default-features --features simulator \
		--test core schedules:: -- --nocapture
	FIRST=$(FIRST) LISTINGS=$$(($(SCHEDULES) / 10)) cargo test --locked --no-default-features --features simulator \
		--test core listing:: -- --nocapture
	FIRST=$(FIRST) POWER_LOSSES=$$(($(SCHEDULES) / 10)) cargo test --locked --no-default-features \
		--features simulator --test core power_loss:: -- --nocapture
	FIRST=$(FIRST) DRIFTS=$$(($(SCHEDULES) / 10)) cargo test --locked --no-default-features --features simulator \
		--test core drift:: -- --nocapture

mutants: ## Plant known bugs in a copy of the sources, and print the seeds in which the schedules find each
	python3 tools/plant_bugs.py

SEED ?= 0

trace: ## Draw what happens in the random schedule SEED (0): requests, lost responses, lookups and outcomes
	@mkdir -p target
	FIRST=$(SEED) SCHEDULES=1 EVENTS=target/trace-$(SEED).jsonl cargo test --quiet --locked --no-default-features \
		--features simulator --test core -- --ignored --exact schedules::events_are_written
	python3 tools/draw_trace.py target/trace-$(SEED).jsonl target/trace-$(SEED).svg

kills: .venv/.installed ## Kill the process of KILLS random runs (200), and call them again
	FIRST=$(FIRST) KILLS=$(KILLS) $(PYTHON) -m pytest -q -s tests/python/test_kill.py -k after_a_kill

attack: .venv/.installed ## Play hostile files and responses in full size, within bounded memory
	ATTACK=full $(PYTHON) -m pytest -q -s --durations=5 tests/python/test_attack.py tests/python/test_attack_responses.py \
		tests/python/test_attack_memory.py

docs: .venv/.installed ## Run the examples of README.md and docs/, and write what they print below them
	$(PYTHON) tools/make_rules.py
	$(PYTHON) tools/make_docs.py

sync: .venv/.ready ## Generate the synchronous face from the asynchronous one
	$(PYTHON) tools/make_sync.py

lint: .venv/.installed ## Check formatting, lints, types, generated code, and the output shown in the documentation
	cargo fmt --check
	cargo clippy --quiet --locked --all-targets --all-features -- -D warnings
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	$(PYTHON) tools/make_sync.py --check
	.venv/bin/mypy
	.venv/bin/pyright --pythonpath $(PYTHON)
	$(PYTHON) -m mypy.stubtest --mypy-config-file pyproject.toml acc_assets._core
	$(PYTHON) tools/make_docs.py --check
	$(PYTHON) tools/plant_bugs.py --check

# With BASE=<commit>: rounds in which the builds are measured in turn.
ROUNDS ?= 15

bench: dist/.built ## Measure beside other clients (writes benchmarks/results.md), or with BASE=<commit> beside that commit
	@$(if $(BASE),benchmarks/against $(BASE) $(ROUNDS),benchmarks/run)

faults: dist/.built ## Put this and other clients through the same faults; writes docs/internals/faults.md
	@benchmarks/faults/run

wheel: dist/.built ## Build the wheel into dist/
	@ls dist/*.whl

clean: ## Remove what the targets made, build cache included
	rm -rf .venv .venvs dist target

.venv/.ready: pyproject.toml
	@.ci/venv .venv main build test lint
	@touch $@

dist/.built: $(SOURCES) | .venv/.ready
	@echo "Building the wheel (the first time takes a few minutes)"
	@rm -rf dist
	.venv/bin/maturin build --quiet --release --interpreter $(PYTHON) --out dist
	@touch $@

.venv/.installed: .venv/.ready dist/.built
	@$(PYTHON) -m pip install --quiet --force-reinstall --no-deps dist/*.whl
	@touch $@
