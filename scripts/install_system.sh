#!/usr/bin/env bash
# What Combwise needs of the system: Python's virtual environments, and for `make ros` cmake and a C++ compiler.
# As root on Debian and Ubuntu; elsewhere, and where everything is there, it installs nothing and says what is missing (3).
#   scripts/install_system.sh [PYTHON]
set -euo pipefail
python=${1:-python3}

missing=()
command -v cmake >/dev/null || missing+=(cmake)
command -v c++ >/dev/null || missing+=(g++)
command -v make >/dev/null || missing+=(make)
command -v git >/dev/null || missing+=(git)
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
"$python" -c 'import sysconfig, pathlib, sys
sys.exit(not pathlib.Path(sysconfig.get_paths()["include"], "Python.h").is_file())' 2>/dev/null || missing+=(python3-dev)

if [ ${#missing[@]} -eq 0 ]; then
    echo "system: everything is there"
    exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "system: install ${missing[*]} (Debian's names)" >&2
    exit 3
fi
apt-get update
apt-get install --yes --no-install-recommends "${missing[@]}"
rm -rf /var/lib/apt/lists/*
echo "system: installed ${missing[*]}"
