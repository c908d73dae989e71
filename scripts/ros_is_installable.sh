#!/usr/bin/env bash
# Whether `make ros` can work here: status 0 if it can; 3, and why, if the package index has not the wheels or the
# system no compiler, which is nobody's fault; anything else is one. Installs nothing but what the system lacks.
#   scripts/ros_is_installable.sh .venv/bin/python
set -euo pipefail
python=${1:?name the Python of the environment, as .venv/bin/python}
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash scripts/install_system.sh "$python"
generators=$("$python" -c 'from robot_ros.build_interfaces import GENERATORS; print(*GENERATORS, sep="\n")')
mapfile -t generators <<< "$generators"
status=0
said=$("$python" -m pip install --quiet --dry-run -e '.[ros]' "${generators[@]}" 2>&1) || status=$?
if [ "$status" -eq 0 ]; then
    echo "ros: the package index has every wheel"
elif missing=$(grep --only-matching --max-count=1 'No matching distribution found.*' <<< "$said"); then
    echo "ros: the package index lacks a wheel: $missing" >&2
    exit 3
else
    echo "$said" >&2
    exit 1
fi
