# Every target makes the virtual environment it needs; nothing is installed outside it.
#   make demo            comb a virtual head toward a goal image, on the CPU
#   make demo CUDA=1     the same on a GPU

SEED ?= 0
OUT ?= runs/demo
WEIGHTS ?= runs/weights

# How long and on how much the shipped weights are trained. Those in the repository go on from simulator version 6's
# (`--begin`; CUDA=1 cut short: 512 episodes, 2.0 minutes for the latent space, which is theirs still, 3.3 for editing,
# 1.1 for goals) on two cores: editing 35 minutes on the first 195 episodes, 17 on 352, and 32 on these as observer
# version 2 sees them (`combwise dataset look`), completion 5 and 5 minutes, goals 5.
ifdef CUDA
DEVICE := cuda
EPISODES := 768
LATENT := --minutes 1.8 --batch 32
EDITING := --minutes 5.5 --batch 64
UNET := --minutes 5.5
COMPLETION := --minutes 2 --batch 32
GOAL := --minutes 1.3 --batch 16
VENV ?= .venv-cuda
TORCH ?=
else
DEVICE := cpu
EPISODES := 192
LATENT := --minutes 14 --batch 3
EDITING := --minutes 40 --batch 3
UNET := --minutes 30
COMPLETION := --minutes 12 --batch 3
GOAL := --minutes 20 --batch 4
VENV ?= .venv
# Pinned and installed first, so that a build for CPUs that pip can see (PIP_FIND_LINKS or
# PIP_EXTRA_INDEX_URL pointing at one) is taken before anything asks for torch with its CUDA packages.
TORCH ?= torch==2.13.0
endif

PYTHON ?= $(shell for python in python3.11 python3.12 python3 python; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null \
	&& echo "$$python" && break; done)
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help demo ros test test-full check format lint types imports sizes text dependencies weights clean
.DEFAULT_GOAL := help

help:  ## say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(INSTALLED): pyproject.toml
	@test -n "$(PYTHON)" || { echo "Combwise needs Python 3.11 or 3.12 and found neither on the PATH; \
	install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); \
	echo "$(PYTHON) could not make a virtual environment in $(VENV); on Debian and Ubuntu install python3-venv" >&2; exit 1; }
	$(if $(TORCH),$(BIN)/python -m pip install --quiet $(TORCH))
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	@touch $@

demo: $(INSTALLED)  ## comb a virtual head toward a goal image (CUDA=1 on a GPU; OUT=, SEED=)
	$(BIN)/combwise demo --seed $(SEED) --device $(DEVICE) --out $(OUT) --overwrite

test: $(INSTALLED)  ## the quick tests, under 15 minutes on two cores
	$(BIN)/python -m pytest -m 'not slow'

test-full: $(INSTALLED)  ## every test, at most 60 minutes
	$(BIN)/python -m pytest

# The recorded way to the shipped weights: data on training and on unseen families, latent space, editing, U-Net
# and from it the completion, figures, and the network that reads goals out of pictures, which belongs to the latent
# space just installed. Each step goes on where a killed one stopped.
weights: $(INSTALLED)  ## retrain the shipped weights from nothing, at most 195 minutes on two cores
	$(BIN)/combwise generate --seed 1 --episodes $(EPISODES) --heads 12 --device $(DEVICE) --out $(WEIGHTS)/train --resume
	$(BIN)/combwise generate --seed 2 --episodes 16 --heads 4 --out $(WEIGHTS)/unseen --resume \
		--families straight_side_part wavy_bob curly_layered coily_bob
	$(BIN)/combwise train latent --data $(WEIGHTS)/train --out $(WEIGHTS)/latent $(LATENT) --device $(DEVICE) --resume
	$(BIN)/combwise train dynamics --data $(WEIGHTS)/train --latent $(WEIGHTS)/latent \
		--out $(WEIGHTS)/dynamics $(EDITING) --device $(DEVICE) --resume
	$(BIN)/combwise train baselines --data $(WEIGHTS)/train --dynamics $(WEIGHTS)/dynamics --models unet \
		--out $(WEIGHTS)/baselines $(UNET) --device $(DEVICE) --resume
	$(BIN)/combwise train completion --data $(WEIGHTS)/train --begin $(WEIGHTS)/baselines/unet \
		--out $(WEIGHTS)/dynamics/completion $(COMPLETION) --device $(DEVICE) --resume
	$(BIN)/combwise evaluate dynamics --data $(WEIGHTS)/train $(WEIGHTS)/unseen --weights $(WEIGHTS)/dynamics \
		--out $(WEIGHTS)/evaluation --splits unseen --horizons 1 3 --episodes 8 --device $(DEVICE) --resume
	$(BIN)/combwise weights install $(WEIGHTS)/dynamics --evaluation $(WEIGHTS)/evaluation --overwrite
	$(BIN)/combwise weights install $(WEIGHTS)/dynamics/completion --kind completion --overwrite
	$(BIN)/combwise train goal --data $(WEIGHTS)/train --out $(WEIGHTS)/goal --views 2000 $(GOAL) \
		--device $(DEVICE) --resume
	$(BIN)/combwise evaluate goal --data $(WEIGHTS)/unseen --weights $(WEIGHTS)/goal --out $(WEIGHTS)/goal_evaluation \
		--device $(DEVICE) --resume
	$(BIN)/combwise weights install $(WEIGHTS)/goal --kind goal --evaluation $(WEIGHTS)/goal_evaluation --overwrite

ros: $(INSTALLED)  ## arms, rclpy and our ROS interfaces from wheels alone; needs cmake and a C++ compiler
	bash scripts/install_ros.sh $(BIN)/python

check: format lint types imports sizes text dependencies  ## all gates; `make -k check` goes on after a failure

format: $(INSTALLED)
	$(BIN)/ruff format --quiet --check .

lint: $(INSTALLED)
	$(BIN)/ruff check --output-format concise .

types: $(INSTALLED)
	$(BIN)/basedpyright --pythonpath $(BIN)/python

imports: $(INSTALLED)
	$(BIN)/lint-imports

sizes: $(INSTALLED)
	$(BIN)/python -m checks.file_sizes

text: $(INSTALLED)
	$(BIN)/python -m checks.forbidden_text

dependencies: $(INSTALLED)
	$(BIN)/python -m checks.dependencies

clean:  ## remove caches and build products; the environment, runs/ and data/ stay
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +
