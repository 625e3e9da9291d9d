# The portal's commands. `make` alone lists them.
PYTHON ?= python3
VENV := .venv/bin
# Whatever the locale says: the files of the project are in it.
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help python run dev test test-fast proofs faults simulate bench servers databases lint format messages lock sbom clean

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

run test test-fast proofs faults dev simulate bench servers databases lint format messages lock sbom: python

python:
	@$(PYTHON) -c '' || { echo "$(PYTHON) does not run here: Python 3.11 or newer is needed. Install it" \
	  "(Debian, Ubuntu: sudo apt-get install python3 python3-venv), or name another: make run PYTHON=python3.12" >&2; exit 1; }

run:  ## the whole portal on this machine (PORT=8000, DATA_DIR=var, DEMO=0 starts empty)
	@$(PYTHON) -m scripts.run

dev:  ## the same for whoever works on it: loads anew what changes, shows the trace of an error
	@$(PYTHON) -m scripts.dev

test:  ## every check, and every test but the long proofs (ARGS="-k fetch" chooses; CI=true lets nothing be skipped)
	@$(PYTHON) -m scripts.test $(ARGS)

test-fast:  ## the tests that are quick and need no server (ARGS as for test)
	@$(PYTHON) -m scripts.test --fast $(ARGS)

proofs:  ## what test leaves out: the long proofs, the walks in English, on SQLite what it has on PostgreSQL (ARGS as for test)
	@$(PYTHON) -m scripts.test --proofs $(ARGS)

faults:  ## every provoked fault through all that people read of it; prints how many are right (ARGS="-k google")
	@$(PYTHON) -m scripts.bootstrap --dev
	@$(VENV)/python -m tests.faults $(ARGS)

simulate:  ## the portal on a simulated clock, in mailboxes that misbehave (SEED=1 DAYS=7)
	@$(PYTHON) -m scripts.bootstrap --dev
	@$(VENV)/python -m tests.simulation --seed $(or $(SEED),1) --days $(or $(DAYS),7) $(ARGS)

bench:  ## fetches side by side with other programs (ARGS=--small for a short run)
	@$(PYTHON) -m scripts.bootstrap --bench
	@$(VENV)/python -m bench $(ARGS)

servers:  ## the portal on real mail servers other than Dovecot (ARGS="--only cyrus" chooses)
	@$(PYTHON) -m scripts.bootstrap --dev
	@$(VENV)/python -m tests.otherservers $(ARGS)

databases:  ## the tests that meet a database on the lowest PostgreSQL that we take and on compose's (ARGS as for test)
	@$(PYTHON) -m scripts.bootstrap --dev
	@$(VENV)/python -m tests.servers.databases $(ARGS)

lint:  ## style, types, import rule, templates, migrations, bandit
	@$(PYTHON) -m scripts.test --lint

format:  ## lay out Python and templates
	@$(PYTHON) -m scripts.bootstrap --dev
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .
	git ls-files -z 'templates/*.html' | xargs -0r $(VENV)/djade --target-version 5.2

messages:  ## bring the Dutch and English catalogues up to date with the code
	@$(PYTHON) -m scripts.bootstrap --dev
	$(VENV)/python -m scripts.messages

lock:  ## requirements*.in into locks, versions kept (UPGRADE=1 takes the newest, UPGRADE=name of one package)
	@$(PYTHON) -m scripts.bootstrap --dev
	@$(VENV)/python -m scripts.locks

sbom:  ## what the image installs, as CycloneDX, from the locks alone (var/sbom.cdx.json)
	@$(PYTHON) -m scripts.bootstrap --dev
	@$(VENV)/python -m scripts.sbom

clean:  ## remove .venv and caches; DATA_DIR stays
	rm -rf .venv tests/servers/provider/node_modules tests/servers/databases/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
