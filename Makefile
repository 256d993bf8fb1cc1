# Every target sets itself up: it needs Python 3.11 or newer, make and a network to the package registry.
PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
STAMPS := $(VENV)/.stamps
PIP := $(PY) -m pip --disable-pip-version-check install --quiet
# The version of PyTorch that is known to work together with the other frameworks; the extra takes any from 2.5 on. Where
# the package index gives a build of gigabytes for graphics cards, name another: make test TORCH="--index-url … torch"
TORCH ?= torch==2.13.0

# Threads of OpenMP that wait in a loop make fits several times slower where both cores are busy with tests.
export OMP_WAIT_POLICY ?= PASSIVE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test soak fuzz check docs bench bench-estimation bench-diagnosis bench-charts bench-sight bench-units bench-reading bench-series bench-maintenance calibrate size changelog screenshots chromium axe postgresql strace alertmanager clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 20

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"Python 3.11 or newer is needed, $(PYTHON) is {v[0]}.{v[1]}: make PYTHON=/path/to/python")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade "pip>=25.1"
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/demo: pyproject.toml | $(STAMPS)/venv
	$(PIP) --editable ".[demo]"
	@touch $@

$(STAMPS)/test: pyproject.toml | $(STAMPS)/venv
	$(PIP) --editable ".[demo]" --group test $(TORCH)
	@touch $@ $(STAMPS)/demo

$(STAMPS)/check: pyproject.toml | $(STAMPS)/venv
	$(PIP) --editable ".[demo]" --group test --group check $(TORCH)
	@touch $@ $(STAMPS)/demo $(STAMPS)/test

demo: $(STAMPS)/demo  ## watch and keep a flight-delay model through the year 2013
	$(VENV)/bin/watchkeeper demo

test: $(STAMPS)/test chromium axe postgresql strace alertmanager  ## run the tests in random order, warnings as errors
	$(PY) -m pytest -n 2 --dist worksteal $(ARGS)

soak: $(STAMPS)/test postgresql  ## kill runs, stores and workers again and again: every case of these campaigns
	$(PY) -m pytest tests -n 2 --dist worksteal -m soak --campaign full $(ARGS)

fuzz: $(STAMPS)/test  ## try odd input of many kinds: every case of these campaigns
	$(PY) -m pytest tests -n 2 --dist worksteal -m fuzz --campaign full $(ARGS)

check: $(STAMPS)/check  ## lint, types, import layers
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

docs: $(STAMPS)/test  ## run every example in the docs and docstrings, check every link
	$(PY) docs/write_reference.py
	$(PY) -m pytest tests/test_docs.py tests/test_glossary.py src/watchkeeper $(ARGS)

bench: $(STAMPS)/demo  ## measure against Evidently, whylogs and reading the file; writes bench/RESULTS.md
	$(PY) -m bench $(ARGS)

bench-estimation: $(STAMPS)/test  ## estimated against realised performance, beside NannyML; writes bench/ESTIMATION.md and BANDS.md
	$(PY) -m bench.estimation $(ARGS)

bench-diagnosis: $(STAMPS)/test  ## how often planted causes are found; writes the tables of docs/diagnosis.md
	$(PY) -m bench.diagnosis $(ARGS)

bench-charts: $(STAMPS)/test  ## false alarms of control charts by situation, as docs/charts.md tells them
	$(PY) -m bench.charts $(ARGS)

bench-sight: $(STAMPS)/demo  ## which planted faults default set-ups find on data with seasons; writes bench/SIGHT.md
	$(PY) -m bench.sight $(ARGS)

bench-units: $(STAMPS)/demo  ## natural changes called another unit, and planted ones named; writes bench/UNITS.md
	$(PY) -m bench.units $(ARGS)

bench-reading: $(STAMPS)/demo  ## processor time of status, explain and report on the demo's store
	$(PY) -m bench.reading $(ARGS)

SERIES ?= ../shared/data/nab_part
bench-series: $(STAMPS)/test  ## charts on labelled operational series in the folder SERIES; writes bench/SERIES.md
	$(PY) -m bench.series $(SERIES)

bench-maintenance: $(STAMPS)/test  ## what the default policy of retraining loses beside others; writes bench/MAINTENANCE.md
	$(PY) -m bench.maintenance $(ARGS)

calibrate: $(STAMPS)/test  ## count false alarms and delays of every rule and its peers; writes docs/calibration.md
	$(PY) -m bench.calibration $(ARGS)

size:  ## size of a plain install and its number of packages
	$(PYTHON) bench/install_size.py

changelog: $(STAMPS)/demo  ## move the fragments of changelog.d into CHANGELOG.md: make changelog VERSION=1.2.0
	$(PY) changelog.d/assemble.py $(VERSION)

REPORT ?= watchkeeper-demo/report.html
screenshots: $(STAMPS)/test chromium  ## take the pictures in docs/ from the report that `make demo` leaves
	$(PY) docs/take_screenshots.py $(REPORT)

# Tests of pages need Chromium and, for what they ask of readers, axe-core from the npm registry, tests of the store
# PostgreSQL, tests of what is on the disk strace, tests of alerts Alertmanager; where one is missing and
# cannot be had they skip and say so.
chromium:
	@$(call package,chromium,chromium chromium-browser google-chrome)

axe:
	@test -e $(VENV)/axe/node_modules/axe-core/axe.min.js || { command -v npm >/dev/null \
	  && npm install --silent --no-audit --no-fund --prefix $(VENV)/axe axe-core >/dev/null 2>&1 </dev/null \
	  || echo "axe-core could not be installed: its tests will be skipped"; }

postgresql:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { $(call package,postgresql,initdb); }

strace:
	@$(call package,strace,strace)

alertmanager:
	@$(call package,prometheus-alertmanager,prometheus-alertmanager alertmanager)

define package
for name in $(2); do command -v $$name >/dev/null && exit 0; done; \
if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
  echo "installing $(1) for the tests"; \
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(1); } \
    >/dev/null 2>&1 </dev/null || echo "$(1) could not be installed: its tests will be skipped"; \
else echo "no $(1) here: its tests will be skipped (install the package $(1) to run them)"; fi
endef

clean:  ## remove the environment and every cache
	rm -rf $(VENV) bench/.envs .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests bench docs -name __pycache__ -prune -exec rm -rf {} +
