"""`combwise`: find the command, parse its options with tyro, run it, speak plainly when it fails."""

from __future__ import annotations

import sys
from importlib import import_module

from combwise.commands import COMMANDS, Command, commands_under, find_command
from hairsim.errors import CombwiseError

FAILED = 2
INTERRUPTED = 130
ABOUT = "Comb a head of hair toward a picture: simulate, learn, see, plan."


def main() -> None:
    """Run the command line with the process's own arguments and exit with its status."""
    sys.exit(run(sys.argv[1:]))


def run(words: list[str]) -> int:
    """Run one command; return 0, 2 for an error told in one sentence, or 130 when interrupted."""
    try:
        return _dispatch(words)
    except CombwiseError as error:
        print(f"combwise: error: {' '.join(str(error).split())}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("combwise: interrupted; what was finished is kept", file=sys.stderr)
        return INTERRUPTED


def _dispatch(words: list[str]) -> int:
    if words == ["--version"]:
        from hairsim.version import code_version

        print(f"combwise {code_version()}")
        return 0
    found = find_command(words)
    if found is not None:
        _run_command(*found)
        return 0
    listed = commands_under(words)
    if (words and not words[-1].startswith("-")) or not listed:
        known = ", ".join("'" + " ".join(command.words) + "'" for command in listed or COMMANDS)
        raise CombwiseError(f"'{' '.join(words)}' is not a command; expected one of {known}")
    _print_commands(listed)
    return 0


def _run_command(command: Command, options: list[str]) -> None:
    """Parse the options of a command and run it; tyro prints help and usage errors itself."""
    import tyro

    module = import_module(command.module)
    arguments = tyro.cli(
        getattr(module, command.options),
        prog=" ".join(("combwise", *command.words)),
        description=f"{command.summary[0].upper()}{command.summary[1:]}.",
        args=options,
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    from hairsim.device import start_warp  # after parsing: help and usage errors need not wait for it

    start_warp()
    _require_device(getattr(arguments, "device", "cpu"))
    made = getattr(module, command.work)(arguments)
    if made:  # of several processes that train one model the first alone tells
        print(made)


def _require_device(name: str) -> None:
    """Refuse a CUDA device that Warp or PyTorch cannot use, before anything is written."""
    from hairsim.device import resolve_device

    if resolve_device(name) == "cpu":
        return
    import torch

    if not torch.cuda.is_available():
        raise CombwiseError(
            f"device '{name}': the installed PyTorch {torch.__version__} cannot use CUDA; "
            "install one that can (make CUDA=1 does), or use --device cpu"
        )


def _print_commands(commands: list[Command]) -> None:
    width = max(len(" ".join(command.words)) for command in commands)
    print(f"usage: combwise COMMAND [OPTIONS]\n\n{ABOUT}\n\ncommands:")
    for command in commands:
        print(f"  {' '.join(command.words):{width}}  {command.summary}")
    print("\ncombwise COMMAND --help lists a command's options; combwise --version tells the version.")
