# One entry point for people. Everything lands in .venv, target, demo, dist, docs/_build; nothing global.
PYTHON ?= python3
FUZZ_CASES ?= 20000

VENV := .venv
PY := $(VENV)/bin/python
DEPS := $(VENV)/.deps
# The extension is in the tree once, built for tests (debug assertions) or for speed; a stamp says which.
CHECKED := $(VENV)/.checked
RELEASE := $(VENV)/.release
RUST := Cargo.toml Cargo.lock $(shell find rust -name '*.rs' -o -name '*.txt' -o -name Cargo.toml)
MATURIN := VIRTUAL_ENV=$(CURDIR)/$(VENV) $(PY) -m maturin

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_QUIET := 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(RELEASE) ## a small case compared (demo/report.html), then a whole investigation (demo/story)
	$(VENV)/bin/overproof demo --out demo

.PHONY: test
test: lint types stubs test-rust test-python examples bench-smoke ## everything that must be green; .ci/run calls this

.PHONY: build
build: $(RELEASE) ## build the release extension into .venv

.PHONY: lint
lint: $(DEPS) ## formatting and lints of Python and Rust, as errors
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	cargo fmt --all --check
	cargo clippy --quiet --workspace --all-targets --locked -- -D warnings

.PHONY: format
format: $(DEPS) ## format Python and Rust, apply the lints' safe fixes
	$(PY) -m ruff check --fix-only --quiet .
	$(PY) -m ruff format .
	cargo fmt --all

.PHONY: types
types: $(CHECKED) ## mypy --strict
	$(PY) -m mypy

.PHONY: stubs
stubs: $(CHECKED) ## the hand-written stub against the compiled module
	$(PY) -m mypy.stubtest overproof._core --mypy-config-file pyproject.toml --allowlist tools/stubtest_allow.txt --concise

.PHONY: test-rust
test-rust: check-tools ## tests of the core; needs no Python
	cargo test --quiet --workspace --exclude overproof-py --locked

.PHONY: test-neon
test-neon: ## tests of the core on aarch64, under qemu-user
	tools/test_under.sh neon

.PHONY: test-asan
test-asan: ## tests of the core at every level under AddressSanitizer
	tools/test_under.sh asan

.PHONY: test-valgrind
test-valgrind: ## tests of the core at every level that valgrind knows
	tools/test_under.sh valgrind

.PHONY: test-python
test-python: $(CHECKED) ## tests of the package, on a build with debug assertions
	$(PY) -m pytest -q tests

.PHONY: examples
examples: $(CHECKED) ## run the examples of README, docs and docstrings
	$(PY) -m pytest -q --doctest-glob='*.md' README.md docs
	$(PY) -m pytest -q --doctest-modules python/overproof

.PHONY: bench-smoke
bench-smoke: $(CHECKED) ## every benchmark once on a small input
	$(PY) -m pytest -q benches --benchmark-disable
	cargo test --quiet --package overproof-core --locked --bench stages > /dev/null

.PHONY: bench
bench: $(RELEASE) ## time us beside other engines, and our stages; records, plots and tables follow; about half an hour
	$(PY) -m pip install -q $$($(PY) tools/requirements.py bench)
	$(PY) -m benches.homes
	$(PY) -m benches.run
	$(PY) -m benches.compare
	$(PY) -m benches.pages
	$(PY) -m pytest benches

.PHONY: bench-rust
bench-rust: check-tools ## time the stages of the core alone; BENCH=join names one, OVERPROOF_KERNEL=avx2 the level
	cargo bench --quiet --package overproof-core --locked --bench stages -- $(BENCH)

.PHONY: profile
profile: $(RELEASE) ## where each nanosecond goes from list[str] to a sketch, at every level; docs/method/profile.md
	cargo build --quiet --release --package overproof-core --locked --examples
	$(PY) -m benches.profile

.PHONY: validity
validity: $(RELEASE) ## every subject of benches/validity: recall, false positives, error rates, power; records follow
	$(PY) -m benches.validity

.PHONY: accuracy
accuracy: $(RELEASE) ## gates of the estimators and of the hash; half an hour; raw results go to benches/record
	$(PY) -m benches.accuracy

.PHONY: fuzz
fuzz: $(RELEASE) ## property tests, core against reference, FUZZ_CASES=20000 cases each
	PROPTEST_CASES=$(FUZZ_CASES) cargo test --release --workspace --exclude overproof-py --locked
	FUZZ_CASES=$(FUZZ_CASES) $(PY) -m pytest tests/agreement --hypothesis-profile=fuzz --timeout=0

.PHONY: docs
docs: $(CHECKED) ## API pages of Python and Rust in docs/_build
	$(PY) -m pip install -q $$($(PY) tools/requirements.py docs)
	$(PY) -m pdoc --docformat numpy --output-directory docs/_build/python overproof
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --locked --package overproof-core --target-dir docs/_build/cargo
	@echo "docs/_build/python/index.html docs/_build/cargo/doc/overproof_core/index.html"

.PHONY: wheel
wheel: $(DEPS) ## one abi3 wheel for this platform, in dist
	$(MATURIN) build --release --locked --quiet --out dist

.PHONY: clean
clean: ## remove all that these targets made
	rm -rf $(VENV) target demo dist docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks
	rm -f python/overproof/_core*.so
	find python tests tools -name __pycache__ -type d -exec rm -rf {} +

.PHONY: check-tools
check-tools: # no help line: all that builds or tests does this first
	@tools/check_tools.sh $(firstword $(wildcard $(PY)) $(PYTHON))

$(DEPS): pyproject.toml tools/requirements.py | check-tools
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo "installing the development tools into $(VENV)"
	@$(PY) tools/requirements.py dev > $@.txt
	@$(PY) -m pip install -q -r $@.txt
	@touch $@

$(CHECKED): $(DEPS) $(RUST)
	@echo "building the extension for tests"
	@rm -f $(RELEASE)
	@$(MATURIN) develop --quiet --locked
	@touch $@

$(RELEASE): $(DEPS) $(RUST)
	@echo "building the extension"
	@rm -f $(CHECKED)
	@$(MATURIN) develop --quiet --locked --release
	@touch $@
