# `make` lists the targets. What is missing on the machine is installed by tools/bootstrap.

.DEFAULT_GOAL := help
.PHONY: help setup train test test-unit test-nix test-train test-machines lint bench clean

# Where Nix's own installer puts it, for shells that have not read its profile yet.
export PATH := $(CURDIR)/.venv/bin:$(PATH):/nix/var/nix/profiles/default/bin:$(HOME)/.nix-profile/bin

# No binary cache is asked, as there is nothing to be had from one (unless the user's NIX_CONFIG says so); builds are
# sandboxed whatever the machine's nix.conf says. where there are no build users, root builds as itself.
NIX_CONFIG_OF_USER := $(value NIX_CONFIG)
define NIX_CONFIG
substitute = false
max-jobs = auto
$(NIX_CONFIG_OF_USER)
extra-experimental-features = nix-command flakes
sandbox = true
sandbox-fallback = false
warn-dirty = false
$(if $(shell getent group nixbld),,build-users-group =)
endef
export NIX_CONFIG

# Tests run side by side, each with all of TensorFlow in memory at times.
WORKERS ?= $(shell n=$$(nproc); [ $$n -le 4 ] || n=4; echo $$n)
PYTEST := python -m pytest -n $(WORKERS)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: ## install what is missing: the tool into .venv, and Nix
	@tools/bootstrap tool
	@tools/bootstrap nix

train: setup ## fetch the closure and train in it, recorded
	@nixrepro fetch
	@echo "building what is not built yet, then: nix run .#train"
	@nix run --quiet .#train
	@nixrepro gc --json >/dev/null # keeps the environment that was just recorded

test: setup-machines ## all tests
	@$(PYTEST) tests

test-unit: setup-tool-dev ## the tests that need no Nix
	@$(PYTEST) tests/unit

test-nix: setup-dev ## the tests with a real Nix
	@$(PYTEST) tests/nix

test-train: setup-machines ## the tests with a real TensorFlow closure
	@$(PYTEST) tests/train

test-machines: setup-machines ## the portable profile on every emulated machine, not one alone
	@NIXREPRO_MACHINES="Haswell Skylake-Client EPYC-Milan" $(PYTEST) -n 0 tests/train/test_cpus.py -k machine

lint: setup-tool-dev ## ruff and mypy --strict
	@ruff check .
	@ruff format --check .
	@mypy

bench: setup-dev ## print the table of figures, each beside its peer's
	@for tool in mmdebstrap apt-ftparchive; do command -v $$tool >/dev/null || exec tools/bootstrap system mmdebstrap apt-utils; done
	@python benchmarks/bench.py $(ARGS)

clean: ## remove what was built here; records, the lock and the store stay
	@rm -rf .venv build dist *.egg-info result result-* .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: setup-tool-dev setup-dev setup-machines
setup-tool-dev:
	@tools/bootstrap dev

setup-dev: setup-tool-dev
	@tools/bootstrap nix

setup-machines: setup-dev
	@tools/bootstrap machines
