"""Calling the command in this process, and a run that only seems to be one."""

from click.testing import CliRunner

from pipeline.cli import main
from pipeline.history.result import ModelResult, RunResult
from pipeline.progress.events import Node


def easel(*arguments, **extra):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], **extra)


def finishing_with(*outcomes):
    def run(config, events, log, decisions, began):
        print("a flood on standard output")
        events.plan([Node("a", "photos", "read images")])
        events.node_started("a")
        events.node_finished("a", "done")
        models = tuple(ModelResult(f"m{index}", "classifier", outcome) for index, outcome in enumerate(outcomes))
        return RunResult("run-1", models, 3.0, config.serving)

    return run
