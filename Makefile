# The portal's commands. `make` alone lists them.
PYTHON ?= python3
VENV := .venv/bin
CODE := zenvoices administrations documents notifications channels demo scripts

.DEFAULT_GOAL := help
.PHONY: help run test lint format messages lock bench clean

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

run:  ## the whole portal on this machine (PORT=8000, DATA_DIR=var, DEMO=0 starts empty)
	@$(PYTHON) -m scripts.run

test:  ## every check and every test (ARGS="-k fetch" chooses; CI=true lets nothing be skipped)
	@$(PYTHON) -m scripts.test $(ARGS)

lint:  ## style, types, import rule, templates, migrations
	@$(PYTHON) -m scripts.test --lint

format:  ## lay out Python and templates
	@$(PYTHON) -m scripts.bootstrap --dev
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .
	git ls-files -z 'templates/*.html' | xargs -0r $(VENV)/djade --target-version 5.2

messages:  ## collect the texts for translation and compile the catalogues (needs gettext)
	$(VENV)/python manage.py makemessages --locale nl --no-location --no-obsolete --ignore '.venv/*'
	$(VENV)/python manage.py compilemessages --locale nl

lock:  ## resolve requirements*.in anew into hash-checked locks (needs uv)
	for set in requirements requirements-demo requirements-s3 requirements-dev; do \
	  uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	    $$set.in -o $$set.txt || exit 1; done

bench:  ## measure how fast a fetch is
	@$(PYTHON) -m scripts.bootstrap --dev
	$(VENV)/python -m bench

clean:  ## remove .venv and caches; DATA_DIR stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
