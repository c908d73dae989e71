"""Publish an evaluation of learned dynamics: its rows and how they were made, for docs/dynamics.md.

    combwise evaluate dynamics --data runs/train runs/unseen --weights runs/dynamics \
        --baselines runs/baselines --splits unseen --horizons 1 3 --out runs/scores
    python -m benchmarks.dynamics runs/scores && python -m benchmarks.tables

Run where the evaluation ran: the machine is this one, command, commit and date are the evaluation's.
"""

from __future__ import annotations

import argparse
import json
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.dynamics_picture import draw_beside
from benchmarks.provenance import provenance
from dynamics.checkpoint import MODEL_FILE, file_hash, load_checkpoint
from dynamics.completion.completion import completion_file
from dynamics.model import WEIGHTS
from hairsim.atomic_file import write_json
from hairsim.errors import CombwiseError
from hairsim.run_folder import CONFIG_FILE

OUT = Path(__file__).parent / "results" / "dynamics.json"
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "dynamics.png"

TOLD = ("steps", "batch", "seconds", "episodes", "seed", "machine")
"""What is told of how the weights were trained; the rest stands in their card."""


def result(run: Path) -> dict[str, Any]:
    """Return what is published of an evaluation.

    Args:
        run: its folder, finished.

    Raises:
        CombwiseError: it is none, it is not finished, it scored no unseen families, or its weights are gone.
    """
    scores, config = run / "metrics.json", run / CONFIG_FILE
    if not scores.is_file() or not config.is_file():
        raise CombwiseError(f"{run} is no finished run of 'combwise evaluate dynamics'; expected one")
    record, found = (json.loads(path.read_text(encoding="utf-8")) for path in (config, scores))
    if record["kind"] != "EvaluateDynamicsConfig":
        raise CombwiseError(
            f"{run} is a run of {record['kind']}; expected one of 'combwise evaluate dynamics'"
        )
    if not any(row["split"] == "unseen" for row in found["paired"]):
        raise CombwiseError(f"{run} scored no unseen families; expected an evaluation with --splits unseen")
    when = datetime.fromtimestamp(scores.stat().st_mtime, UTC)
    return {
        "what": "combwise evaluate dynamics: errors with 95 % bootstrap intervals over episodes",
        **provenance(shlex.join(_anywhere(word) for word in record["command"])),
        "commit": record["code_version"],
        "date": when.date().isoformat(),
        "weights": _weights(record["config"]),
        "effort": found.get("effort", {}),
        "not_run": found["not_run"],
        "speed": found["speed"],
        "rows": [_rounded(row) for row in found["rows"]],
        "paired": [_rounded(row) for row in found["paired"]],
    }


def _weights(config: dict[str, Any]) -> dict[str, Any]:
    """Return which weights were evaluated, and what their training was."""
    given = config["weights"]
    path = WEIGHTS / "small.safetensors" if given is None else Path(given)
    completion = completion_file(path)
    path = path / MODEL_FILE if path.is_dir() else path
    told = load_checkpoint(path, kind="dynamics").info
    return {
        "sha256": file_hash(path),
        "completion_sha256": None if completion is None else file_hash(completion),
        "code_version": told.code_version,
        "simulator_version": told.simulator_version,
        "training": {name: told.training[name] for name in TOLD if name in told.training},
    }


def _anywhere(word: str) -> str:
    """Return a word of a command with a folder of this machine replaced by one of the same name in runs/."""
    return f"runs/{Path(word).name}" if Path(word).is_absolute() else word


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 5) if isinstance(value, float) else value for name, value in row.items()}


def main() -> None:
    """Publish an evaluation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of combwise evaluate dynamics")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--picture", type=Path, default=PICTURE)
    options = parser.parse_args()
    found = result(options.run)
    write_json(options.out, found)
    draw_beside(found, options.picture)
    print(f"{options.out}, {options.picture}; python -m benchmarks.tables draws the table")


if __name__ == "__main__":
    main()
