# Everything is installed into this checkout; HOME and the system stay as they are.
# `make help` lists the targets. A second call does nothing when nothing changed.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3.11
FOUNDRY := $(CURDIR)/node_modules/@foundry-rs

# npm brings Foundry's native binaries for x86_64; elsewhere those on the caller's PATH are used.
export PATH := $(CURDIR)/.venv/bin:$(FOUNDRY)/anvil-linux-amd64/bin:$(FOUNDRY)/forge-linux-amd64/bin:$(PATH)
export APE_DATA_FOLDER := $(CURDIR)/.ape
export SOLCX_BINARY_PATH := $(CURDIR)/.solcx
# Not the system's: in a checkout below it, ape would unpack OpenZeppelin among our contracts, and
# then lists no more than 500 files of them.
export TMPDIR := $(CURDIR)/.cache/tmp
$(shell mkdir -p '$(CURDIR)/.cache/tmp')
export UV_CACHE_DIR := $(CURDIR)/.cache/uv
export UV_PYTHON_DOWNLOADS := never
# As pip, npm and git do: a registry behind a proxy may show a certificate that only the system knows.
export UV_SYSTEM_CERTS ?= 1
export PIP_CACHE_DIR := $(CURDIR)/.cache/pip
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export npm_config_cache := $(CURDIR)/.cache/npm
# Another environment's modules or settings must not leak in.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV CONDA_PREFIX

UV := .venv-uv/bin/uv
NATIVE := offchain/edgemark/crypto/_native
PYTHON_SOURCES := $(wildcard offchain chaincode tests tools scripts benchmarks setup.py)
SOLIDITY := $(shell find contracts -name '*.sol')
# Which contracts there are: the groups of the catalogue, and the kinds that they name.
CONTRACT_KINDS := $(shell find offchain -name contracts.py -o -name kinds.py)
KERNEL_SOURCES := $(wildcard $(NATIVE)/*.c $(NATIVE)/*.h)

# A stamp lives in the folder that it vouches for, so removing the folder removes the stamp.
UV_READY := .venv-uv/.ready
PYTHON_READY := .venv/.ready
PACKAGE_READY := .venv/.package-ready
NODE_READY := node_modules/.ready
SOLC_READY := .solcx/.ready
CONTRACTS_READY := offchain/edgemark/ledger/evm/contract/bytecode/.ready
APE_READY := .build/.ready
WHEEL_READY := dist/.ready
SLITHER_READY := .venv-slither/.ready
BROWSER_READY := .browser/.ready
MOSQUITTO_READY := .mosquitto/.ready
HFC_READY := .venv-hfc/.ready
FABRIC_PEERS_READY := .fabric-peers/.ready
CALIPER_READY := .caliper/.ready
# What the tests need beside the package: analysers, and programs of others that ours are held against.
TEST_TOOLS := $(SLITHER_READY) $(BROWSER_READY) $(MOSQUITTO_READY) $(HFC_READY) $(FABRIC_PEERS_READY)

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(PACKAGE_READY) $(NODE_READY) $(SOLC_READY) ## Install everything into the checkout

.PHONY: contracts
contracts: setup $(CONTRACTS_READY) ## Compile the contracts when one changed

.PHONY: wheel
wheel: contracts $(WHEEL_READY) ## Build dist/edgemark-*.whl, which needs no checkout, Node or compiler

.PHONY: demo
demo: contracts ## Run the outsourced job on a real chain and print its receipt
	@.venv/bin/edgemark demo outsourcing

# Two at once: one mostly waits for a registry while the other compiles.
.PHONY: test-setup
test-setup:
	@$(MAKE) --no-print-directory --jobs=2 contracts wheel $(APE_READY) $(TEST_TOOLS)

.PHONY: test
test: test-setup ## Run every test; with SYSTEM=NAME those of one system and the ground
	@.venv/bin/python -m tools.run_tests $(if $(SYSTEM),--system '$(SYSTEM)')

# Whoever has Fabric's programs names their folder in FABRIC_BIN, or has them on PATH.
.PHONY: test-fabric
test-fabric: setup ## Run the tests of the consortium ledger on Fabric's own programs too
	@.venv/bin/python -m tools.run_fabric_tests

.PHONY: soak
soak: test-setup $(CALIPER_READY) ## Play 1,000 jobs and trading among random kills, and a week in an hour; then test for hours
	@.venv/bin/python tools/check_native.py
	@.venv/bin/python -m tests.soak.outsourcing
	@.venv/bin/python -m tests.soak.outsourcing.week
	@.venv/bin/python -m tests.soak.trading
	@.venv/bin/python -m tools.mutate --minutes 60
	@HYPOTHESIS_PROFILE=soak FOUNDRY_PROFILE=soak .venv/bin/python -m tools.run_tests

.PHONY: bench
bench: contracts $(MOSQUITTO_READY) ## Run every benchmark against its peer, then make docs/benchmarks.md
	@for file in benchmarks/p[0-9][0-9]_*.py; do \
	  PYTHONPATH=. .venv/bin/python -m "benchmarks.$$(basename "$$file" .py)"; \
	done
	@PYTHONPATH=. .venv/bin/python -m benchmarks.table

.PHONY: gas
gas: contracts ## Measure what every contract function uses; write contracts/gas.json and docs/gas.md
	@.venv/bin/python -m tools.measure_gas --write

.PHONY: lint
lint: setup $(SLITHER_READY) ## Check style, types and known weaknesses of Python, Solidity and C
	@.venv/bin/python tools/static_checks.py

.PHONY: docs
docs: setup ## Build the documentation site into .cache/site
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --quiet --strict
	@echo "the site begins at .cache/site/index.html"

.PHONY: lock
lock: $(UV_READY) ## Pin the Python requirements anew, with hashes and without addresses
	for name in uv dev run slither; do \
	  constraint=; [ "$$name" != run ] || constraint='--constraints requirements/dev.lock'; \
	  $(UV) pip compile --quiet --generate-hashes --python-version 3.11 --no-emit-index-url --no-header \
	    $$constraint requirements/$$name.in --output-file requirements/$$name.lock; \
	done
	$(UV) pip compile --quiet --no-deps --generate-hashes --python-version 3.11 --no-emit-index-url \
	  --no-header requirements/hfc.in --output-file requirements/hfc.lock

.PHONY: clean
clean: ## Remove everything that was installed or built here
	rm -rf .venv .venv-uv .venv-slither .venv-hfc .fabric-peers .caliper .browser .mosquitto node_modules .solcx .ape .cache .build build dist out cache broadcast
	rm -rf contracts/.cache
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage offchain/*.egg-info
	rm -rf offchain/edgemark/ledger/evm/contract/bytecode
	find $(PYTHON_SOURCES) -name __pycache__ -prune -exec rm -rf {} +
	rm -f $(NATIVE)/*.so

# Environments and compiler scripts hold absolute paths: a checkout that moved starts them afresh.
.cache/place: FORCE
	@if [ "$$(cat $@ 2>/dev/null)" != '$(CURDIR)' ]; then \
	  if [ -e $@ ]; then rm -rf .venv .venv-uv .venv-slither .venv-hfc .solcx; fi; \
	  mkdir -p .cache; printf '%s\n' '$(CURDIR)' > $@; \
	fi

$(UV_READY): requirements/uv.lock .cache/place
	tools/check_prerequisites.sh $(PYTHON)
	$(PYTHON) -m venv --clear .venv-uv
	.venv-uv/bin/pip install --quiet --require-hashes --requirement requirements/uv.lock
	@touch $@

# Byte code is written once, here, and not by each of the first demonstration's ten processes.
$(PYTHON_READY): requirements/dev.lock tools/bind_ape.py $(UV_READY)
	[ -x .venv/bin/python ] || $(UV) venv --quiet --python "$$(command -v $(PYTHON))" .venv
	$(UV) pip sync --quiet --compile-bytecode --python .venv/bin/python --require-hashes requirements/dev.lock
	.venv/bin/python tools/bind_ape.py
	@touch $@

# Slither's own requirements do not go together with ape's.
$(SLITHER_READY): requirements/slither.lock $(UV_READY)
	[ -x .venv-slither/bin/python ] || \
	  $(UV) venv --quiet --python "$$(command -v $(PYTHON))" .venv-slither
	$(UV) pip sync --quiet --python .venv-slither/bin/python --require-hashes requirements/slither.lock
	@touch $@

# A client of Fabric's whose protobuf is older than ours; it is not installed with what it names.
$(HFC_READY): requirements/hfc.lock $(UV_READY)
	[ -x .venv-hfc/bin/python ] || \
	  $(UV) venv --quiet --python "$$(command -v $(PYTHON))" .venv-hfc
	$(UV) pip sync --quiet --python .venv-hfc/bin/python --require-hashes requirements/hfc.lock
	@touch $@

# A client and a shim of Fabric's, 35 MB, that only the tests of the consortium ledger need.
$(FABRIC_PEERS_READY): requirements/fabric-peers/package.json requirements/fabric-peers/package-lock.json .npmrc $(NODE_READY)
	mkdir -p .fabric-peers
	cp $(filter requirements/% .npmrc,$^) .fabric-peers/
	cd .fabric-peers && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# 143 MB that only `make soak` needs: a load generator.
$(CALIPER_READY): requirements/caliper/package.json requirements/caliper/package-lock.json .npmrc $(NODE_READY)
	mkdir -p .caliper
	cp $(filter requirements/% .npmrc,$^) .caliper/
	cd .caliper && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# Built apart from the other packages (ape holds back what setuptools wants), but with the locked setuptools.
$(PACKAGE_READY): pyproject.toml $(wildcard setup.py) $(KERNEL_SOURCES) $(PYTHON_READY)
	$(UV) pip install --quiet --python .venv/bin/python --no-deps \
	  --build-constraints requirements/dev.lock --editable .
	.venv/bin/python -m compileall -q offchain/edgemark chaincode/edgemark_chaincode
	@compgen -G '$(NATIVE)/_kernel*.so' >/dev/null || \
	  echo 'edgemark: the native kernel was not built; everything works without it, more slowly' >&2
	@touch $@

$(NODE_READY): package.json package-lock.json .npmrc $(UV_READY)
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@for tool in anvil forge; do \
	  $$tool --version >/dev/null || { \
	    echo "edgemark: no $$tool for $$(uname -m) from npm: install Foundry 1.7.1 and put it on PATH" >&2; \
	    exit 1; }; \
	done
	@touch $@

# 68 MB that only the tests of pages need: the browser, and axe-core.
$(BROWSER_READY): requirements/browser/package.json requirements/browser/package-lock.json .npmrc tools/unpack_browser.mjs $(NODE_READY)
	mkdir -p .browser
	cp $(filter requirements/% .npmrc,$^) .browser/
	cd .browser && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	node tools/unpack_browser.mjs .browser
	@touch $@

# 2 MB that only the tests of both brokers need; where the system has one, a link to that.
$(MOSQUITTO_READY): tools/fetch_mosquitto.sh
	tools/fetch_mosquitto.sh .mosquitto
	@touch $@

$(SOLC_READY): tools/install_solc.py tools/solc-node.cjs $(NODE_READY) $(PYTHON_READY)
	.venv/bin/python tools/install_solc.py node_modules/solc
	@touch $@

$(CONTRACTS_READY): $(SOLIDITY) $(CONTRACT_KINDS) offchain/edgemark/cli/catalogue.py tools/compile_contracts.py $(SOLC_READY) $(PACKAGE_READY)
	.venv/bin/python tools/compile_contracts.py
	@touch $@

$(WHEEL_READY): $(CONTRACTS_READY) pyproject.toml README.md $(shell find offchain/edgemark -name '*.py' -o -name '*.json') $(KERNEL_SOURCES)
	rm -rf dist build/lib*
	$(UV) build --quiet --wheel --build-constraints requirements/dev.lock --out-dir dist
	@touch $@

# ape compiles by itself when it has to, but two of its commands at once would spoil each other's.
$(APE_READY): ape-config.yaml $(CONTRACTS_READY)
	.venv/bin/ape compile
	@touch $@

.PHONY: FORCE
FORCE:
