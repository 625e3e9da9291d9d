# The portal's commands. `make` alone lists them.
PYTHON ?= python3
VENV := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run test test-fast bench lint format messages lock clean

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

run:  ## the whole portal on this machine (PORT=8000, DATA_DIR=var, DEMO=0 starts empty)
	@$(PYTHON) -m scripts.run

test:  ## every check and every test (ARGS="-k fetch" chooses; CI=true lets nothing be skipped)
	@$(PYTHON) -m scripts.test $(ARGS)

test-fast:  ## the tests that need no server, in under a minute (ARGS as for test)
	@$(PYTHON) -m scripts.test --fast $(ARGS)

bench:  ## fetches side by side with other programs (ARGS=--small for a short run)
	@$(PYTHON) -m scripts.bootstrap --bench
	@$(VENV)/python -m bench $(ARGS)

lint:  ## style, types, import rule, templates, migrations
	@$(PYTHON) -m scripts.test --lint

format:  ## lay out Python and templates
	@$(PYTHON) -m scripts.bootstrap --dev
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .
	git ls-files -z 'templates/*.html' | xargs -0r $(VENV)/djade --target-version 5.2

messages:  ## bring the Dutch and English catalogues up to date with the code
	@$(PYTHON) -m scripts.bootstrap --dev
	$(VENV)/python -m scripts.messages

lock:  ## resolve requirements*.in anew into hash-checked locks (needs uv)
	for set in requirements requirements-demo requirements-s3 requirements-dev requirements-bench; do \
	  uv pip compile --quiet --upgrade --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
	    $$set.in -o $$set.txt || exit 1; done

clean:  ## remove .venv and caches; DATA_DIR stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
