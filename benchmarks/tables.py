"""Draw the tables of docs/ from benchmarks/results/ alone.

python -m benchmarks.tables
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.dynamics_table import dynamics_table
from hairsim.atomic_file import write_text
from hairsim.groom.families import FAMILIES, HAIR_CLASSES
from planner.benchmark.tables import markdown

ROOT = Path(__file__).resolve().parents[1]

Result = dict[str, Any]

DIRECTION_AIM, CHAMFER_AIM = 15.0, 4.0
"""What three noisy cameras are asked to see: median direction error [deg] and Chamfer of the shell [mm]."""


def faults_table(result: Result) -> str:
    """Return the table of reactions to faults, in milliseconds."""
    heads = [
        "fault", "rule that stopped", "clock", "detection limit [ms]", "stop after it [ms]",
        "at rest after the stop [ms]", "jump on resume [mrad]",
    ]  # fmt: skip
    lines = []
    for row in result["rows"]:
        cells = [row["fault"], row["rule"], row["clock"], *(_milli(row[k]) for k in ("limit", "reaction"))]
        jump = "-" if row["jump"] is None else f"{1000 * row['jump']:.2f}"
        lines.append([*cells, _milli(row["rest"]), jump])
    return "\n".join([*_lines(heads, lines), "", _source(result)])


def reach_table(result: Result) -> str:
    """Return the table of random strokes that each arm makes."""
    kinds = sorted({kind for row in result["rows"] for kind in row["refused"]})
    head = ["arm", "strokes", "planned", *(f"refused: {kind}" for kind in kinds), "violations of a limit"]
    head += ["planning, median and worst [s]", "speed in the hair / wished, median"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in result["rows"]:
        cells = [row["arm"], row["strokes"], row["planned"], *(row["refused"].get(kind, 0) for kind in kinds)]
        seconds = (row["planning_seconds_median"], row["planning_seconds_worst"])
        speed = row["hair_speed_of_wished_median"]
        cells += [len(row["violations"]), " and ".join(f"{value:.2g}" for value in seconds)]
        cells.append("-" if speed is None else f"{speed:.2f}")
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join([*lines, "", _source(result)])


def observe_table(result: Result) -> str:
    """Return what one to three cameras see under rising noise, and how many grooms meet the aim."""
    heads = [
        "noise", "cameras", "IoU", "Chamfer [mm]", "median direction error [deg]", "to the flow [deg]",
        "flipped [%]", "hair where seen [%]",
    ]  # fmt: skip
    lines = [
        [
            row["noise"], str(row["cameras"]), _interval(row["iou"], 2), _interval(row["chamfer_mm"], 1),
            _interval(row["direction_deg"], 1), _interval(row["flow_deg"], 1),
            _interval(row["flipped"], 1, 100.0), _interval(row["true_hair"], 0, 100.0),
        ]
        for row in result["summary"]
    ]  # fmt: skip
    grooms = result["summary"][0]["grooms"]
    met = []
    for level in dict.fromkeys(row["noise"] for row in result["rows"]):
        mine = [row for row in result["rows"] if row["noise"] == level and row["cameras"] == 3]
        turned = sum(row["direction_deg"] <= DIRECTION_AIM for row in mine)
        near = sum(row["chamfer_mm"] <= CHAMFER_AIM for row in mine)
        met.append(f"{level} {turned} and {near}")
    aim = (
        f"Three cameras see the directions within {DIRECTION_AIM:.0f} degrees and the shell within "
        f"{CHAMFER_AIM:.0f} mm on so many of {grooms} grooms: {'; '.join(met)}."
    )
    return "\n".join([*_lines(heads, lines), "", aim, "", *_seen_by_family(result), "", _source(result)])


def _seen_by_family(result: Result) -> list[str]:
    """Return a table of how well three cameras see each groom, under the noise that planners meet."""
    lines = [
        [
            row["family"], FAMILIES[row["family"]].hair_class, f"{row['direction_deg']:.1f}",
            f"{row['flow_deg']:.1f}", f"{100.0 * row['flipped']:.1f}", f"{row['iou']:.2f}",
        ]
        for row in result["rows"]
        if row["noise"] == "mild" and row["cameras"] == 3
    ]  # fmt: skip
    heads = [
        "three cameras, mild", "class", "median direction error [deg]", "to the flow [deg]", "flipped [%]",
        "IoU",
    ]  # fmt: skip
    return _lines(heads, sorted(lines, key=lambda line: HAIR_CLASSES.index(line[1])))


def head_pose_table(result: Result) -> str:
    """Return how far the pose that is found is from the true one, median and worst."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    methods = list(dict.fromkeys(row["method"] for row in result["summary"]))
    for row in result["summary"]:
        parts = [
            " to ".join(f"{value:.{decimals}f}" for value in row[name])
            for name, decimals in (("shift_mm", 2), ("turn_deg", 2))
        ]
        found.setdefault((row["noise"], row["cameras"]), {})[row["method"]] = f"{parts[0]} mm, {parts[1]}°"
    heads = ["noise", "cameras", *methods]
    lines = [[*key, *(cells.get(name, "-") for name in methods)] for key, cells in found.items()]
    moved = result["moved"]
    looks = result["summary"][0]["looks"]
    note = (
        f"Median to worst of {looks} looks at heads moved by {moved['shift_mm']:.0f} mm and turned by "
        f"{moved['turn_deg']:.0f}°."
    )
    return "\n".join([*_lines(heads, lines), "", note, "", _source(result)])


def segment_table(result: Result) -> str:
    """Return how near masks that are found come to the renderer's, median and worst."""
    lines = [
        [row["case"], str(row["pictures"]), f"{row['median']:.2f}", f"{row['worst']:.2f}"]
        for row in result["summary"]
    ]
    heads = ["picture", "pictures", "median IoU", "worst IoU"]
    return "\n".join([*_lines(heads, lines), "", _source(result)])


def mppi_table(result: Result) -> str:
    """Return what each search leaves of the cost, beside ours."""
    heads = [
        "model",
        "proposals",
        "search",
        "left of the cost [%]",
        "beside mppi [points]",
        "mppi better [%]",
    ]
    lines = []
    for row in result["summary"]:
        own = row["search"] == "mppi"
        cells = [
            row["model"], row["start"], row["search"], f"{100.0 * row['left'][0]:.2f}",
            "-" if own else _interval(row["worse_than_mppi"], 2, 100.0, sign=True),
            "-" if own else f"{100.0 * row['mppi_finds_better']:.0f}",
        ]  # fmt: skip
        lines.append(cells)
    first = {row["model"]: row for row in result["summary"]}
    counts = "; ".join(
        f"{model}: {row['searches']} searches on {row['heads']} heads" for model, row in first.items()
    )
    note = f"{result['calls']} model calls each, the first {result['proposals']} for the proposals. {counts}."
    return "\n".join([*_lines(heads, lines), "", note, "", _source(result)])


def goals_table(result: Result) -> str:
    """Return how near goals of one picture come to the true hair of families that no training saw."""
    metrics = {"iou": 3, "f1": 3, "median_deg": 1, "direction_deg": 1}
    heads = ["seen from", "goal", "IoU", "F1", "median direction [deg]", "mean direction [deg]"]
    found: dict[tuple[str, str], dict[str, str]] = {}
    for row in result["rows"]:
        if row["split"] == "unseen" and row["family"] == "all":
            value = _interval([row["mean"], row["low"], row["high"]], metrics[row["metric"]])
            found.setdefault((row["side"], row["what"]), {})[row["metric"]] = value
    lines = [[side, what, *(values[name] for name in metrics)] for (side, what), values in found.items()]
    return "\n".join([*_lines(heads, lines), "", f"{result['views']} pictures. {_source(result)}"])


def goal_pictures_table(result: Result) -> str:
    """Return what is read out of pictures of the same hair."""
    heads = [
        "picture",
        "IoU with the true hair",
        "median direction [deg]",
        "IoU with the first picture's goal",
    ]
    lines = [
        [row["picture"], f"{row['iou']:.3f}", f"{row['median_deg']:.1f}", f"{row['iou_with_first']:.3f}"]
        for row in result["pictures"]
    ]
    return "\n".join([*_lines(heads, lines), "", f"One head of `{result['family']}` hair."])


def styling_table(result: Result) -> str:
    """Return the scores of every planner, level by level, and their paired differences."""
    return markdown(result).replace("\n## ", "\n### ").rstrip("\n")


class Table(NamedTuple):
    """A table of a page: the page in docs/, the table's name, its file in results/ and who draws it."""

    page: str
    name: str
    result: str
    draw: Callable[[Result], str]


TABLES = (
    Table("safety.md", "faults", "faults.json", faults_table),
    Table("robot.md", "reach", "reach.json", reach_table),
    Table("seeing.md", "observe", "observe.json", observe_table),
    Table("seeing.md", "head pose", "head_pose.json", head_pose_table),
    Table("goals.md", "segment", "segment.json", segment_table),
    Table("search.md", "mppi", "mppi.json", mppi_table),
    Table("dynamics.md", "dynamics", "dynamics.json", dynamics_table),
    Table("goals.md", "goals", "goals.json", goals_table),
    Table("goals.md", "goal pictures", "goals.json", goal_pictures_table),
    Table("benchmark.md", "styling", "styling.json", styling_table),
)


def drawn(text: str, name: str, table: str) -> str:
    """Return a document with the table between its two marks replaced."""
    begin, end = f"<!-- table {name} -->\n", f"<!-- end {name} -->"
    before, rest = text.split(begin)
    return before + begin + table + "\n" + end + rest.split(end)[1]


def documents() -> dict[Path, str]:
    """Return every document as it should be, by path; a table that nobody has measured yet stays empty."""
    texts: dict[Path, str] = {}
    for table in TABLES:
        path, measured = ROOT / "docs" / table.page, ROOT / "benchmarks" / "results" / table.result
        if not measured.is_file():
            continue
        result = json.loads(measured.read_text(encoding="utf-8"))
        text = texts.get(path) or path.read_text(encoding="utf-8")
        texts[path] = drawn(text, table.name, table.draw(result))
    return texts


def _lines(heads: list[str], rows: list[list[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    first, *rest = (f"| {' | '.join(cells)} |" for cells in (heads, *rows))
    return [first, "|" + "---|" * len(heads), *rest]


def _milli(value: float | None) -> str:
    return "-" if value is None else f"{1000 * value:.0f}"


def _interval(values: list[float], decimals: int, scale: float = 1.0, *, sign: bool = False) -> str:
    """Return 'mean (low to high)' of three numbers."""
    plus = "+" if sign else ""
    mean, low, high = (f"{scale * value:{plus}.{decimals}f}" for value in values)
    return f"{mean} ({low} to {high})"


def _source(result: Result) -> str:
    """Return how the rows were made: a line where all were made alike, a line for each way otherwise."""
    names: dict[str, list[str]] = {}
    for name, how in result.get("runs", {"": result}).items():
        line = f"`{how['command']}`, {how['commit']}, {how['date']}, {how['machine']}."
        names.setdefault(line, []).append(name)
    if len(names) == 1:
        return next(iter(names))
    last = max(names, key=lambda line: len(names[line]))
    parts = [f"{', '.join(of)}: {line}" for line, of in names.items() if line != last]
    return " ".join([*parts, f"All others: {last}"])


def main() -> int:
    """Write the documents."""
    for path, text in documents().items():
        write_text(path, text)
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
