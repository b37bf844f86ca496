.DEFAULT_GOAL := help
.PHONY: help setup setup-browser setup-deploy setup-docile setup-docs setup-easyocr setup-invoice2data setup-load \
	setup-mlflow run model image test test-easyocr test-mlflow test-wheel docs licences audit check check-deploy \
	check-kubernetes check-static clean

help:  ## Print this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## Install what is missing: Debian packages, .venv, the locked Python packages
	@scripts/setup.sh

setup-browser: setup  ## Install Debian's Chromium, Redis and Prometheus, which the tests use
	@scripts/browser.sh

setup-docs: setup  ## Make .venv-docs: MkDocs over what .venv has
	@scripts/side-env.sh docs

setup-deploy: setup  ## Make .venv-deploy: what checks deploy/ over what .venv has
	@scripts/side-env.sh deploy

setup-docile: setup  ## Install the package that tests read DocILE exports with, in .venv-docile
	@scripts/docile-env.sh

setup-easyocr: setup  ## Make .venv-easyocr: the OCR engine EasyOCR over what .venv has
	@scripts/side-env.sh easyocr

setup-invoice2data: setup  ## Make .venv-invoice2data: what benchmarks/compare_readers.py compares with
	@scripts/side-env.sh invoice2data

setup-load: setup  ## Make .venv-load: locust, which benchmarks/load.py drives the service with
	@scripts/side-env.sh load

setup-mlflow: setup  ## Make .venv-mlflow: MLflow over what .venv has
	@scripts/side-env.sh mlflow

run:  ## Generate, train and evaluate on the base configuration, then extract one PDF
	@scripts/run.sh

model:  ## Make the shipped weights anew, two models from nothing: a night on two cores
	@scripts/model.sh

image: setup  ## Build the api's container image without Docker, and read an invoice with it; as root, on Debian
	@scripts/image.sh api

test: setup setup-browser setup-docile  ## Run the tests
	@.venv/bin/pytest -n auto --maxprocesses 4 --dist loadfile

test-easyocr: setup-easyocr  ## Run EasyOCR, in its own environment, on the page that the other engines read
	@.venv-easyocr/bin/python -m pytest tests/ocr/test_engines.py tests/ocr/test_easyocr.py -k easyocr

test-mlflow: setup-mlflow  ## Log trainings and evaluations to an MLflow store, in its own environment
	@.venv-mlflow/bin/python -m pytest tests/modeling/test_tracking.py tests/evaluation/test_tracking.py

test-wheel: setup  ## Build the wheel, install it apart, and use it in an empty folder without a network
	@.venv/bin/pytest tests/release/test_wheel.py

docs: setup-docs  ## Build the documentation site into site/, strict
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/python -m mkdocs build --strict --quiet

licences: setup  ## List the licences of all that the wheel requires; fail on copyleft without a reason
	@.venv/bin/python scripts/licences.py

audit: setup  ## Look up known vulnerabilities of the locked packages, over the network
	@scripts/audit.sh

check: check-static test  ## Everything that must pass: format, lint, types, import contracts, tests

check-deploy: setup-deploy  ## Lint and parse the Dockerfile and compose.yaml, and hold them to the policies
	@scripts/check_deploy.sh

check-kubernetes: setup-deploy  ## Render deploy/kubernetes, check it against Kubernetes' schemas and our policies
	@.venv/bin/pytest tests/deploy/test_kubernetes.py

check-static: setup  ## Format, lint, types and import contracts only
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

clean:  ## Remove caches and build outputs (data/ and .venv stay)
	@rm -rf build dist site htmlcov .coverage .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
