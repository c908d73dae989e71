#!/usr/bin/env bash
# PyTorch3D, built against the installed PyTorch; needs a CUDA compiler for its kernels. Optional everywhere.
#   scripts/install_accelerated.sh VENV/bin/python
set -euo pipefail
python=${1:?name the Python of the environment}
"$python" -m pip install --quiet setuptools wheel ninja
"$python" -m pip install --quiet --no-build-isolation 'pytorch3d @ git+https://github.com/facebookresearch/pytorch3d.git@v0.7.9'
"$python" -c 'from pytorch3d.ops import knn_points'
