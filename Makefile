# `make help` says what there is. STACK=compatible or STACK=current chooses the pinned packages (requirements/README.md).
.PHONY: help env flink demo pretrained test fuzz lint format clean lock
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z]*\):.* ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10
	@echo
	@echo "STACK=compatible|current overrides the choice of packages, ARGS='...' goes to pytest."

env: ## make the environment in .venv, if it is not there yet
	@requirements/install.sh $(STACK)

flink: ## fetch Flink and Beam's job server into .flink, for `beam.runner: flink` (needs Maven and Java 11 or 17)
	@requirements/flink/fetch.sh

demo: env ## draw photos and paintings into demo/, train both models on them, say how to try them
	@.venv/bin/python -m data.draw demo
	@.venv/bin/python -m data.draw demo/new --photos-per-class 1 --seed 1
	@.venv/bin/easel run data/configs/demo.yaml
	@echo
	@echo "Both models are in demo/workspace/serving, ready for TensorFlow Serving. Try them on images they have not seen:"
	@echo
	@echo "  .venv/bin/easel models --serving demo/workspace/serving"
	@echo "  .venv/bin/easel classify --serving demo/workspace/serving demo/new/photos/*/*.jpg"
	@echo "  .venv/bin/easel stylize --serving demo/workspace/serving --content demo/new/photos/rings/rings-000.jpg \\"
	@echo "      --style demo/paintings/swirling_night.png -o painted.png"

pretrained: env ## make the networks that ship anew, from the photos, paintings and weights in EASEL_ASSETS: hours
	@.venv/bin/python -m data.pretraining.arrange "$${EASEL_ASSETS:?is to be the folder of photos, paintings and weights}" pretrained
	@.venv/bin/easel run data/configs/pretrained.yaml --only style
	@.venv/bin/python -m data.pretraining.ship data/configs/pretrained.yaml "$$EASEL_ASSETS"
	@.venv/bin/python -m data.pretraining.light "$$EASEL_ASSETS" pretrained/light
	@.venv/bin/python -m data.pretraining.superresolution "$$EASEL_ASSETS" pretrained/superresolution

test: lint ## check the style, then run the tests (ARGS='tests/data -k draw')
	@.venv/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

fuzz: env ## ingest 5,000 damaged images and ask the server 5,000 damaged questions, two minutes; `make test` does some hundreds
	@EASEL_FUZZ=5000 .venv/bin/pytest -n 2 --dist load tests/components/image_folder_example_gen/test_fuzz.py tests/serving/server/test_fuzz.py $(ARGS)

lint: env ## check the style only
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --check --quiet . || { echo "ruff format would change these files: run 'make format'"; exit 1; }

format: env ## put the style right
	@.venv/bin/ruff check --fix --quiet .
	@.venv/bin/ruff format .

clean: ## remove demo/ and the tools' caches; not the environment (.venv, .uv), not your workspaces
	rm -rf demo build dist .pytest_cache .ruff_cache .hypothesis
	find . \( -name .venv -o -name .uv -o -name .git \) -prune -o -name __pycache__ -print0 | xargs -0 rm -rf

lock: env ## pin the newest packages that fit requirements/*.in
	@requirements/lock.sh
