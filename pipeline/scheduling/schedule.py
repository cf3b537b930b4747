"""Files that make a scheduler start `easel run`: a crontab line, systemd units, an Airflow DAG.

Pure functions from a `Job` to texts. All run the same command; exit code 75, another run at work, is no failure.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trainer.errors import UserError

_VARIABLE = re.compile(r"\$\{([^}]+)\}")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True)
class Job:
    """What is to be started, and when.

    Attributes:
      name: the pipeline's, for names of files and units.
      easel: the `easel` command, absolute.
      config: the configuration file, absolute.
      folder: the current folder of the command; the default workspace lies there.
      log: a file for what the command prints.
      hour, minute: of every day, in the scheduler's own time zone.
      variables: environment variables that the configuration asks for.
      overrides: `key.path=value` that win over the configuration.
    """

    name: str
    easel: Path
    config: Path
    folder: Path
    log: Path
    hour: int
    minute: int
    variables: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()

    @property
    def command(self) -> list[str]:
        """The arguments of the process."""
        sets = [argument for override in self.overrides for argument in ("--set", override)]
        return [str(self.easel), "run", str(self.config), *sets]

    @property
    def environment_file(self) -> Path:
        """Where the values of `variables` are looked for, a line `NAME=value` each."""
        return self.config.with_suffix(".env")


def at(text: str) -> tuple[int, int]:
    """`02:30` as hour and minute; raises UserError for anything else."""
    match = _TIME.fullmatch(text)
    if not match:
        raise UserError(f"--at {text}: write a time of day such as 02:30")
    return int(match[1]), int(match[2])


def variables(text: str) -> tuple[str, ...]:
    """The environment variables that the text of a configuration asks for, in the order of their names."""
    return tuple(sorted(set(_VARIABLE.findall(text))))


def cron(job: Job) -> Mapping[str, str]:
    """A crontab of one line; it mails nothing, because the log and the hooks tell."""
    steps = [f"cd {shlex.quote(str(job.folder))}"]
    if job.variables:
        steps.append(f"set -a && . {shlex.quote(str(job.environment_file))} && set +a")
    steps.append(f"{shlex.join(job.command)} >> {shlex.quote(str(job.log))} 2>&1")
    line = f"{job.minute} {job.hour} * * * {' && '.join(steps)}"
    return {f"{job.name}.cron": line.replace("%", "\\%") + "\n"}  # cron takes a bare % for the end of the line


def systemd(job: Job) -> Mapping[str, str]:
    """A service and its timer, for `systemctl` or `systemctl --user`."""
    file = f"EnvironmentFile={_specifier(job.environment_file)}\n" if job.variables else ""
    service = f"""\
[Unit]
Description=Easel: retrain {job.name} where there is something new

[Service]
Type=oneshot
WorkingDirectory={_specifier(job.folder)}
{file}ExecStart=/usr/bin/env {" ".join(map(_argument, job.command))}
# Another run at work, and a run that was told to stop, are no failures.
SuccessExitStatus=75 143
# The run ends cleanly on SIGTERM, and the next goes on from there.
TimeoutStopSec=120
Nice=10
"""
    timer = f"""\
[Unit]
Description=Start Easel for {job.name} every night

[Timer]
OnCalendar=*-*-* {job.hour:02}:{job.minute:02}:00
RandomizedDelaySec=60
# A night when the machine was off is made up for.
Persistent=true

[Install]
WantedBy=timers.target
"""
    return {f"{job.name}.service": service, f"{job.name}.timer": timer}


def airflow(job: Job) -> Mapping[str, str]:
    """A DAG of one task: what is inside a run is Easel's own business, with its cache and its lock."""
    needs = f"\nThe worker's environment must have {', '.join(job.variables)}.\n" if job.variables else ""
    # Airflow renders the command with Jinja, and takes one that ends in .sh for a template's name.
    command = "{% raw %}" + f"cd {shlex.quote(str(job.folder))} && {shlex.join(job.command)}" + "{% endraw %} "
    text = f'''\
"""Runs Easel every night. Exit code 75, another run at work, skips; what trained and why is in `easel runs`.
{needs}"""

import datetime

try:
    from airflow.providers.standard.operators.bash import BashOperator
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.operators.bash import BashOperator

with DAG(
    dag_id={job.name!r},
    schedule={f"{job.minute} {job.hour} * * *"!r},
    start_date=datetime.datetime(2024, 1, 1),
    catchup=False,
    max_active_runs=1,
    tags=["easel"],
) as dag:
    BashOperator(
        task_id="run",
        bash_command={command!r},
        skip_on_exit_code=75,
        append_env=True,
    )
'''
    return {f"{job.name}_dag.py": text}


WRITERS = {"cron": cron, "systemd": systemd, "airflow": airflow}
HINTS = {
    "cron": "crontab -l | cat - {0} | crontab -",
    "systemd": "cp {0} {1} ~/.config/systemd/user/ && systemctl --user enable --now {1.name}",
    "airflow": "cp {0} $AIRFLOW_HOME/dags/",
    "kubeflow": "docs/unattended.md says what it needs",
}
"""How the written files are put to use."""


def _specifier(path: Path) -> str:
    return str(path).replace("%", "%%")


def _argument(text: str) -> str:
    """One argument as systemd reads it: quoted, with its own specifiers and variables escaped.

    The program is an argument, too, of `env`: systemd takes no quotes in the path of what it executes itself.
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if re.search(r"[\s\"'\\]", text) else escaped
