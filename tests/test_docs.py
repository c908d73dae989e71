"""What the README and the docs name exists: paths, links, commands, options, make targets."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from combwise.commands import COMMANDS, find_command
from combwise.main import run

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
FOLDERS = "combwise|robot_ros|planner|dynamics|hairsim|tests|checks|docs|benchmarks|docker|examples"
MADE_BY_RUNNING = ("runs/", "data/")
"""Folders that commands write and git ignores."""


def page_id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def links(text: str) -> list[str]:
    """Targets of Markdown links and pictures that point into the repository."""
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    return [target for target in targets if "://" not in target]


def quoted_paths(text: str) -> list[str]:
    """Paths from the root, in backquotes or in a drawing, that begin with one of our folders."""
    return re.findall(rf"(?<![\w/.-])(?:{FOLDERS})/[\w./*-]*[\w/*]", text)


def quoted_code(text: str) -> list[str]:
    """Lines of shell blocks and what stands in backquotes."""
    blocks = re.findall(r"```(?:sh|bash)\n(.*?)```", text, flags=re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return lines + re.findall(r"`([^`\n]+)`", prose)


@cache
def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_link_and_path_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    missing = [target for target in links(text) if not (page.parent / target).exists()]
    missing += [
        path
        for path in quoted_paths(text)
        if not path.startswith(MADE_BY_RUNNING) and not list(ROOT.glob(path.rstrip("/")))
    ]
    assert not missing, f"{page_id(page)} names what is not there: {missing}"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_make_target_exists(page: Path) -> None:
    quoted = [shlex.split(code, comments=True) for code in quoted_code(page.read_text(encoding="utf-8"))
              if code.startswith("make ")]  # fmt: skip
    unknown = {
        word for words in quoted for word in words[1:] if "=" not in word and word not in make_targets()
    }
    assert not unknown


def quoted_commands() -> list[str]:
    """Every `combwise ...` command that a page quotes."""
    codes = [code for page in PAGES for code in quoted_code(page.read_text(encoding="utf-8"))]
    return sorted({code.strip() for code in codes if code.startswith("combwise ")})


@pytest.mark.parametrize("quoted", quoted_commands())
def test_every_quoted_command_and_its_options_exist(quoted: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(quoted, comments=True)[1:]
    if words[0].startswith("--"):
        assert run(words) == 0
        return
    found = find_command(words)
    assert found is not None, f"'{quoted}' is no command"
    with pytest.raises(SystemExit) as ended:
        run([*found[0].words, "--help"])
    assert ended.value.code == 0
    help_text = capsys.readouterr().out
    unknown = [word for word in found[1] if word.startswith("--") and word not in help_text]
    assert not unknown, f"'{quoted}' uses options that the command does not have"


def test_every_command_is_listed_with_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    listed = capsys.readouterr().out
    assert COMMANDS
    for command in COMMANDS:
        assert re.search(
            rf"^  {' '.join(command.words)} +{re.escape(command.summary)}$", listed, re.MULTILINE
        )
