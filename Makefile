# make run    set up an environment, install, start the page
# make test   the same with the test extras and a Chromium, then all tests
# make check  lint, format, types
# make bench  speed, side by side with peers

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: run test check bench format chromium clean

run: .venv/ready
	$(BIN)/python -m explorer

test: .venv/ready-test chromium
	$(BIN)/python -m pytest -n auto --dist worksteal

check: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/ready-test chromium
	for script in plan build memory search graph startup page space weight visitors start busy training; do $(BIN)/python benchmarks/$$script.py || exit 1; done

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 run")'
	$(PYTHON) -m venv .venv

# torch and torchvision come in one step, so that they match
.venv/ready: pyproject.toml | .venv/bin/python
	$(PIP) --editable .
	touch $@

.venv/ready-test: pyproject.toml | .venv/bin/python
	$(PIP) --editable '.[test]'
	touch $@ .venv/ready

.venv/ready-dev: pyproject.toml | .venv/bin/python
	$(PIP) --editable '.[dev]'
	touch $@ .venv/ready

# the browser tests need a Chromium: $CHROMIUM, or Debian's for machines without a screen, or any on the PATH
chromium:
	@if [ -n "$$CHROMIUM" ] || command -v chromium-headless-shell >/dev/null; then exit 0; fi; \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  apt-get update -qq && { apt-get install -y -qq chromium-headless-shell || apt-get install -y -qq chromium; } && exit 0; fi; \
	for name in chromium chromium-browser google-chrome; do if command -v $$name >/dev/null; then exit 0; fi; done; \
	if command -v apt-get >/dev/null && sudo -n true 2>/dev/null; then sudo apt-get update -qq && sudo apt-get install -y -qq chromium; \
	else echo 'The browser tests need Chromium: install chromium or google-chrome, or set CHROMIUM=/path/to/it.'; exit 1; fi

clean:
	rm -rf .venv dist build
