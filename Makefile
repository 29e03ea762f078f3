# Every target does its own set-up: Python 3.11 or newer, make and git are enough.
UV_VERSION := 0.13.9
ifneq ($(words $(CURDIR)),1)
$(error the path of this folder has a space in it, "$(CURDIR)", which make cannot work with: move it)
endif
# uv from the PATH, or one installed into build/tools by the rule at the end.
UV := $(shell command -v uv 2>/dev/null || echo $(CURDIR)/build/tools/bin/uv)
# Bytecode makes imports three times faster, and a spinning OpenMP makes training twenty times slower.
export PATH := $(patsubst %/,%,$(dir $(UV))):$(PATH)
export OMP_NUM_THREADS := 1
export OMP_WAIT_POLICY := passive
unexport PYTHONDONTWRITEBYTECODE
DEST ?= build

.DEFAULT_GOAL := help
.PHONY: help demo new course test test-fast check format lessons site-parts docs docs-serve pictures bench clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: | $(UV) ## Generate a project, train, promote and serve it, and send it real requests
	@$(UV) run --quiet --no-default-groups python scripts/demo.py "$(DEST)"

new: | $(UV) ## Answer the questions and generate a project of your own into DEST
	@$(UV) run --quiet --no-default-groups python scripts/generate.py --output-dir "$(if $(filter file,$(origin DEST)),..,$(DEST))" .
	@git rev-parse HEAD 2>/dev/null | sed 's/^/made from commit /'

course: | $(UV) ## Generate the course edition, with its exercises, into DEST
	@$(UV) run --quiet --no-default-groups python scripts/generate.py --no-input --output-dir "$(if $(filter file,$(origin DEST)),..,$(DEST))" . \
		project_name="Flight Delay Course" project_slug=flight-delay-course package_name=flight_delay platforms=kubernetes edition=course

test: | $(UV) ## Run every test, those of a generated project included (about an hour)
	$(UV) run pytest

test-fast: | $(UV) ## Run the tests that need no installed project (under a minute)
	$(UV) run pytest -m "not slow"

check: | $(UV) ## Lint, check the formatting and the types, of this repo and of the template
	$(UV) run ruff check
	$(UV) run ruff format --check
	$(UV) run mypy
	# RUF200 reads pyproject.toml, whose tags are valid only once rendered; generated projects are checked whole.
	$(UV) run ruff check --ignore RUF200 --cache-dir build/ruff "{{cookiecutter.project_slug}}"
	$(UV) run ruff format --cache-dir build/ruff --check "{{cookiecutter.project_slug}}"

format: | $(UV) ## Mend what can be mended automatically
	$(UV) run ruff check --fix . "{{cookiecutter.project_slug}}"
	$(UV) run ruff format . "{{cookiecutter.project_slug}}"

lessons: | $(UV) ## Run every command of the course (PAGE=name.md: of one page again)
	@$(UV) run python scripts/lessons.py $(if $(filter file,$(origin DEST)),build/learner --feet,"$(DEST)") $(PAGE)

# What both begin with: the code, the figures and the drawings that the pages include.
site-parts: | $(UV)
	$(UV) run python scripts/listings.py
	$(UV) run python scripts/reference_pages.py
	$(UV) run python scripts/mermaid.py

docs: site-parts | $(UV) ## Build the site into build/site
	$(UV) run mkdocs build --strict

docs-serve: site-parts | $(UV) ## Serve the site on this machine while you write
	$(UV) run mkdocs serve --dev-addr 127.0.0.1:8001

pictures: | $(UV) ## Take the pictures of the course anew, from the project of `make demo` (about ten minutes)
	$(UV) run python scripts/pictures.py

bench: | $(UV) ## Measure every figure the documentation claims, and write benchmarks/results.json
	$(UV) run python benchmarks/figures.py

clean: ## Remove what the commands made, the environments included
	rm -rf build .venv .hypothesis

$(CURDIR)/build/tools/bin/uv:
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed as python3"; exit 1; }
	python3 -m venv build/tools || { echo "install python3-venv, or uv itself"; exit 1; }
	build/tools/bin/pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
