# `make demo` and `make test` need only Python >= 3.11 and make; everything else they set up themselves.
PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
ARGS ?=

.PHONY: setup dev compiled system demo simulate test test-long test-compiled test-salesforce salesforce-checks test-stripe stripe-checks pictures bench-matching bench-reminders bench-replies bench-sync bench-web bench-webhooks check clean
.SILENT:
# Where it is set, every process would compile every module again: seconds for each command that tests start.
unexport PYTHONDONTWRITEBYTECODE

$(VENV)/bin/uv:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "TrueDue needs Python 3.11 or newer; set PYTHON=...")' >&2
	$(PYTHON) -m venv $(VENV) >&2
	$(VENV)/bin/python -m pip install --quiet uv==$(UV_VERSION) >&2

$(VENV)/.run: $(VENV)/bin/uv pyproject.toml
	$(VENV)/bin/uv sync --quiet --inexact --python $(VENV)/bin/python >&2
	touch $@

$(VENV)/.dev: $(VENV)/.run
	$(VENV)/bin/uv sync --quiet --inexact --group dev --python $(VENV)/bin/python >&2
	touch $@

$(VENV)/.bench: $(VENV)/.dev
	$(VENV)/bin/uv sync --quiet --inexact --group dev --group bench --python $(VENV)/bin/python >&2
	touch $@

# The matcher alone, in a tree of its own: what is edited and tested every day is the plain one. Whoever runs TrueDue with
# build/compiled first on the path runs this one.
COMPILED := build/compiled
$(COMPILED)/.ready: $(wildcard reconcile/*.py receivables/*.py) pyproject.toml | $(VENV)/.run
	$(VENV)/bin/uv sync --quiet --inexact --group compile --python $(VENV)/bin/python >&2
	rm -rf $(COMPILED) && mkdir -p $(COMPILED)/reconcile && cp reconcile/*.py $(COMPILED)/reconcile
	cd $(COMPILED) && MYPYPATH="$(CURDIR)" "$(CURDIR)/$(VENV)/bin/mypyc" reconcile/[a-z]*.py >build.log 2>&1 || (cat build.log >&2; exit 1)
	rm -rf $(COMPILED)/build $(COMPILED)/.mypy_cache && touch $@

setup: $(VENV)/.run   ## the environment that runs TrueDue

dev: $(VENV)/.dev     ## the environment that also tests it

compiled: $(COMPILED)/.ready  ## the matcher as C extensions, where there is a C compiler: the same answers in half the time

system:               ## what tests need from Debian
	command -v chromium >/dev/null || (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core) >&2

demo: setup
	$(VENV)/bin/truedue demo $(ARGS)

simulate: setup       ## seeds of the simulation on all cores, the first failing one shrunk to its trace
	$(VENV)/bin/truedue simulate --shrink $(or $(ARGS),--seeds 1-20 --events 1000)

test: dev
	$(VENV)/bin/pytest $(ARGS)

test-long: dev        ## what takes minutes: killed workers, hundreds of thousands of rows
	$(VENV)/bin/pytest -n 1 -m long $(ARGS)

# The rules and the semantic check of Apex come as Java libraries inside one of the packages.
SALESFORCE := addon_manifest/salesforce
APEX_LIBRARIES := node_modules/@salesforce/code-analyzer-pmd-engine/dist/java-lib/*

$(SALESFORCE)/node_modules/.ready: $(SALESFORCE)/package.json
	cd $(SALESFORCE) && npm install --silent --no-package-lock --no-audit --no-fund --ignore-scripts >&2
	touch $@

salesforce-checks: dev $(SALESFORCE)/node_modules/.ready
	cd $(SALESFORCE) && npm run --silent lint
	cd $(SALESFORCE) && npm run --silent test
	cd $(SALESFORCE) && java -cp "$(APEX_LIBRARIES)" io.github.apexdevtools.apexls.CheckForIssues -n -d warnings -w .
	cd $(SALESFORCE) && node checks/analyze.mjs
	$(VENV)/bin/pytest -n 0 -m long tests/manifest/test_panel.py tests/demo/test_places.py $(ARGS)

test-salesforce:      ## the package for Salesforce: its component, its Apex, the panel in a browser; where Node and Java are
	if command -v npm >/dev/null && command -v java >/dev/null; then $(MAKE) --no-print-directory salesforce-checks; \
	else echo "test-salesforce is skipped: it needs Node 20 with npm, and Java 17" >&2; fi

STRIPE := addon_manifest/stripe

$(STRIPE)/node_modules/.ready: $(STRIPE)/package.json
	cd $(STRIPE) && npm install --silent --no-package-lock --no-audit --no-fund --ignore-scripts >&2
	touch $@

stripe-checks: $(STRIPE)/node_modules/.ready
	cd $(STRIPE) && npm run --silent types
	cd $(STRIPE) && npm run --silent test

test-stripe:          ## the view of the Stripe app: its types against Stripe's SDK, and what it shows; where Node is
	if command -v npm >/dev/null; then $(MAKE) --no-print-directory stripe-checks; \
	else echo "test-stripe is skipped: it needs Node 20 with npm" >&2; fi

pictures: dev $(SALESFORCE)/node_modules/.ready  ## what docs/places.md shows, taken anew by the tests that work each place in Chromium
	TRUEDUE_PICTURES="$(CURDIR)/docs" $(VENV)/bin/pytest -n 0 -m long tests/demo/test_places.py tests/manifest/test_panel.py $(ARGS)

bench-sync: dev       ## a first load of 100,000 invoices and payments into both stores, beside plain ways of it
	$(VENV)/bin/python -m benchmarks.sync $(ARGS)

test-compiled: dev    ## the matcher as C extensions passes its tests and answers as the plain one does; where a C compiler is
	if command -v cc >/dev/null; then $(MAKE) --no-print-directory compiled && \
	PYTHONPATH="$(CURDIR)/$(COMPILED)" $(VENV)/bin/pytest -n 2 -m "" --import-mode=append \
	tests/reconcile/test_compiled.py tests/reconcile/test_match.py tests/reconcile/test_weigh.py tests/reconcile/test_subset.py $(ARGS); \
	else echo "test-compiled is skipped: it needs a C compiler" >&2; fi

bench-matching: $(VENV)/.bench compiled  ## the matcher on drawn and published data, its peers and its ideas in the same run
	$(VENV)/bin/python -m benchmarks.matching $(ARGS)

bench-replies: dev    ## how well replies of payers are read, on mails that the rules were not tuned on
	$(VENV)/bin/python -m benchmarks.replies $(ARGS)

bench-reminders: dev  ## planning 100,000 and 1,000,000 open invoices: all, nothing new, 1 % new, the next day
	$(VENV)/bin/python -m benchmarks.reminders $(ARGS)

bench-web: dev       ## pages of a business with 10,000 and 1,000,000 open invoices, beside /healthz and their bare queries
	$(VENV)/bin/python -m benchmarks.web $(ARGS)

bench-webhooks: dev   ## durable webhook intake beside a no-op of the same server and a Flask view
	$(VENV)/bin/python -m benchmarks.webhooks $(ARGS)

check: dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis var
