"""The table of commands: the words, one line about each, and where its options and its work are.

Options are a dataclass, which tyro turns into a command line. The work is a function of that dataclass that
returns the last line to print: what it made and where. Nothing here imports either, so that
`combwise --help` answers at once.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One command of the command line.

    Attributes:
        words: what a user types after `combwise`.
        summary: one line for the list of commands.
        module: where the next two are.
        options: name of the dataclass of options.
        work: name of the function of it.
    """

    words: tuple[str, ...]
    summary: str
    module: str
    options: str
    work: str


COMMANDS: tuple[Command, ...] = (
    Command(
        ("demo",),
        "comb a virtual head toward a goal image: pictures, a video, a report",
        "combwise.demo",
        "DemoConfig",
        "run",
    ),
    Command(
        ("ros", "demo"),
        "let a virtual robot arm style hair: the whole ROS 2 graph, without the launch system",
        "combwise.ros",
        "RosDemoConfig",
        "demo",
    ),
    Command(
        ("goal", "make"),
        "make a goal of a look, a picture, another head's look or a groom",
        "combwise.goal",
        "MakeOptions",
        "make",
    ),
    Command(("goal", "show"), "draw a goal", "combwise.goal", "ShowOptions", "show"),
    Command(
        ("generate",), "simulate combed heads of hair: a dataset", "combwise.generate", "Arguments", "run"
    ),
    Command(("dataset", "info"), "tell what is in a dataset", "combwise.dataset", "InfoOptions", "info"),
    Command(
        ("dataset", "show"), "draw an episode stroke by stroke", "combwise.dataset", "ShowOptions", "show"
    ),
    Command(
        ("dataset", "verify"),
        "read every episode and hold it to the rules",
        "combwise.dataset",
        "VerifyOptions",
        "verify",
    ),
    Command(
        ("dataset", "split"),
        "tell training, validation and unseen episodes",
        "combwise.dataset",
        "SplitOptions",
        "split",
    ),
    Command(
        ("dataset", "look"),
        "look at a dataset's hair again with this version's observer",
        "combwise.dataset",
        "LookOptions",
        "look",
    ),
    Command(
        ("train", "latent"),
        "pre-train the latent space of hair",
        "dynamics.latent.train",
        "TrainLatentConfig",
        "train_latent",
    ),
    Command(
        ("train", "completion"),
        "train what fills in the hair that cameras missed",
        "dynamics.completion.train",
        "TrainCompletionConfig",
        "train_completion",
    ),
    Command(
        ("train", "dynamics"),
        "train the network that edits latent hair by a stroke",
        "dynamics.editing.train",
        "TrainDynamicsConfig",
        "train_dynamics",
    ),
    Command(
        ("train", "baselines"),
        "train what the learned model is compared with, on as many strokes",
        "dynamics.baselines.train",
        "TrainBaselinesConfig",
        "train_baselines",
    ),
    Command(
        ("train", "goal"),
        "train the network that reads the wanted hair out of one picture",
        "planner.goal.train",
        "TrainGoalConfig",
        "train_goal",
    ),
    Command(
        ("evaluate", "latent"),
        "score what the latent space of hair keeps, and walk through it",
        "dynamics.latent.evaluation",
        "EvaluateLatentConfig",
        "evaluate_latent",
    ),
    Command(
        ("evaluate", "dynamics"),
        "score the learned model beside its baselines",
        "dynamics.evaluation",
        "EvaluateDynamicsConfig",
        "evaluate_dynamics",
    ),
    Command(
        ("evaluate", "goal"),
        "score goals that are read out of one picture",
        "planner.goal.evaluation",
        "EvaluateGoalConfig",
        "evaluate_goal",
    ),
    Command(
        ("evaluate", "held-out"),
        "style the held-back seeds with every planner",
        "planner.benchmark.held_out",
        "HeldOutConfig",
        "run_held_out",
    ),
    Command(
        ("evaluate", "styling"),
        "run the hair-styling benchmark: every planner on the same tasks",
        "planner.benchmark.styling",
        "StylingConfig",
        "run_styling",
    ),
    Command(
        ("weights", "install"),
        "make a trained model the one that is shipped",
        "combwise.weights",
        "InstallOptions",
        "install",
    ),
    Command(("groom", "info"), "tell what is in a groom file", "combwise.groom", "InfoOptions", "info"),
    Command(("groom", "make"), "write a procedural groom", "combwise.groom", "MakeOptions", "make"),
    Command(("groom", "show"), "draw a groom from three sides", "combwise.groom", "ShowOptions", "show"),
    Command(("groom", "sheet"), "draw all groom families", "combwise.groom_sheet", "SheetOptions", "sheet"),
    Command(
        ("groom", "convert"),
        "translate a groom file into another format",
        "combwise.groom",
        "ConvertOptions",
        "convert",
    ),
    Command(
        ("tool", "list"), "list the tools that come with it", "combwise.tool", "ListOptions", "list_tools"
    ),
    Command(
        ("tool", "show"), "measure a tool, and draw it on a head", "combwise.tool", "ShowOptions", "show"
    ),
    Command(
        ("calibrate", "camera"),
        "find a camera from pictures of a board on the flange",
        "combwise.calibrate",
        "SessionOptions",
        "camera",
    ),
    Command(
        ("calibrate", "comb"),
        "find how the comb sits at the flange, from touches",
        "combwise.calibrate",
        "SessionOptions",
        "comb",
    ),
    Command(
        ("calibrate", "head"),
        "find the head from touches of its landmarks",
        "combwise.calibrate",
        "SessionOptions",
        "head",
    ),
    Command(("calibrate", "board"), "draw a board to print", "combwise.calibrate", "BoardOptions", "board"),
    Command(
        ("calibrate", "try"),
        "record sessions of a virtual cell, calibrate, compare with the truth",
        "combwise.calibrate",
        "TryOptions",
        "try_out",
    ),
)


def find_command(words: list[str]) -> tuple[Command, list[str]] | None:
    """Return the command that the words begin with and the words left over, or None."""
    for command in COMMANDS:
        size = len(command.words)
        if tuple(words[:size]) == command.words:
            return command, words[size:]
    return None


def commands_under(words: list[str]) -> list[Command]:
    """Return the commands that begin with the words before the first option."""
    prefix = tuple(words[: next((i for i, word in enumerate(words) if word.startswith("-")), len(words))])
    return [command for command in COMMANDS if command.words[: len(prefix)] == prefix]
