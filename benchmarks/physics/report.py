"""Draw the table of docs/physics.md and its pictures from a result file alone.

python -m benchmarks.physics.report [--result benchmarks/results/physics.json] [--docs docs]
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import tyro

from benchmarks.physics.__main__ import earlier_runs
from hairsim.atomic_file import write_text
from hairsim.errors import CombwiseError

BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


@dataclass(frozen=True)
class PhysicsReport:
    """Where results come from and go to.

    Attributes:
        result: written by `python -m benchmarks.physics`.
        docs: the folder of physics.md; pictures go into its `images`.
    """

    result: Path = Path("benchmarks/results/physics.json")
    docs: Path = Path("docs")


def main(config: PhysicsReport) -> None:
    """Draw one picture per experiment, and put the table between the marks of docs/physics.md."""
    runs = earlier_runs(config.result)
    if not runs:
        raise CombwiseError(f"{config.result} is missing or holds no runs; expected a physics result")
    page = config.docs / "physics.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    parts = []
    for name, (how, rows) in runs.items():
        picture(name, rows, config.docs / "images" / f"physics_{name}.png")
        parts.append(section(name, how, rows))
    write_text(page, before + BEGIN + "\n\n" + "\n\n".join(parts) + "\n\n" + END + after)


def section(name: str, how: dict[str, object], rows: list[dict[str, object]]) -> str:
    """Return one experiment as Markdown: picture, rows, and how it was run."""
    lines = [f"### {name.replace('_', ' ')}", "", f"![{name}](images/physics_{name}.png)", ""]
    lines += ["| case | value | expected | error | target | |", "| --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        numbers = " | ".join(f"{row[key]:.4g}" for key in ("value", "expected", "error", "target"))
        lines.append(
            f"| {row['experiment']}: {row['case']} | {numbers} | {'ok' if row['ok'] else 'MISSED'} |"
        )
    lines += [
        "",
        f"`{how['command']}`, {how['commit']}, simulator {how['simulator_version']}, {how['date']}, "
        f"{how['machine']}, {how['seconds']} s.",
    ]
    return "\n".join(lines)


def picture(name: str, rows: list[dict[str, object]], path: Path) -> None:
    """Draw each case's error as a share of its target; beyond the line is missed."""
    figure, axes = plt.subplots(figsize=(9.0, 0.8 + 0.42 * len(rows)))
    shares = [share(row) for row in rows]
    colours = ["tab:green" if row["ok"] else "tab:red" for row in rows]
    places = range(len(rows))
    axes.barh(places, [max(s, 1e-4) for s in shares], color=colours)
    axes.set_yticks(places, [str(row["case"]) for row in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(1e-4, max(100.0, 2.0 * max(shares)))
    axes.axvline(1.0, color="black", linewidth=1.0)
    axes.set_xlabel("error over its target (missed beyond 1)", fontsize=8)
    axes.set_title(name.replace("_", " "), fontsize=10, loc="left")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def share(row: dict[str, object]) -> float:
    """Return a row's error over its target; 10 where the target is zero and missed, 0 where it is met."""
    error, target = float(str(row["error"])), float(str(row["target"]))
    if error != error:
        return 10.0
    return error / target if target else (10.0 if error > 0.0 else 0.0)


if __name__ == "__main__":
    main(tyro.cli(PhysicsReport, description=__doc__))
