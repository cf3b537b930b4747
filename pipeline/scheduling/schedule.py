"""Files that make a scheduler start `easel run`: a crontab line, systemd units, an Airflow DAG.

Pure functions from a `Job` to texts. All run the same command. Exit code 75, another run at work, is no failure; nor is
4, a candidate that was not approved while the old version serves on, but that is said.
"""

import hashlib
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.configuration.config import Config
from trainer.base.errors import UserError

_VARIABLE = re.compile(r"\$\{([^}]+)\}")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True)
class Job:
    """What is to be started, and when.

    Attributes:
        name: the pipeline's, for people.
        unit: names files and units, see `unit`.
        easel: the `easel` command, absolute.
        config: the configuration file, absolute.
        folder: the current folder of the command.
        workspace: of the configuration.
        hour: of every day, in the scheduler's own time zone.
        minute: of that hour.
        variables: environment variables that the configuration asks for.
        overrides: `key.path=value` that win over the configuration.
    """

    name: str
    unit: str
    easel: Path
    config: Path
    folder: Path
    workspace: Path
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
    def log(self) -> Path:
        """A file for what the command prints under cron."""
        return self.workspace / "logs" / "schedule.log"

    @property
    def environment_file(self) -> Path:
        """Where the values of `variables` are looked for, a line `NAME=value` each."""
        return self.config.with_suffix(".env")


def unit(name: str, config: Path) -> str:
    """What files and units of a configuration are called: after it, and as no other's.

    Args:
        name: of the pipeline; the usual one says nothing, and the folder's stands for it.
        config: the file.
    """
    real = config.resolve()
    said = real.parent.name if name == Config.model_fields["name"].default else name
    plain = re.sub(r"[^A-Za-z0-9_.]+", "-", said).strip("-")[:40]
    return "-".join(filter(None, ("easel", plain, hashlib.sha256(os.fsencode(real)).hexdigest()[:6])))


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
    """A crontab of one line; it mails nothing, because the log and the hooks tell. Its end tells it from others."""
    steps = [f"cd {shlex.quote(str(job.folder))}"]
    if job.variables:
        steps.append(f"set -a && . {shlex.quote(str(job.environment_file))} && set +a")
    steps.append(f"{shlex.join(job.command)} >> {shlex.quote(str(job.log))} 2>&1")
    line = f"{job.minute} {job.hour} * * * {' && '.join(steps)} # {job.unit}"
    return {f"{job.unit}.cron": line.replace("%", "\\%") + "\n"}  # cron takes a bare % for the end of the line


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
# No failures: the old version serves on (4), another run is at work (75), the run was told to stop (143).
SuccessExitStatus=4 75 143
# The first is said all the same, as a warning in the journal.
ExecStopPost=/bin/sh -c {_argument(_notice(job))}
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
    return {f"{job.unit}.service": service, f"{job.unit}.timer": timer}


def airflow(job: Job) -> Mapping[str, str]:
    """A DAG of one task: what is inside a run is Easel's own business, with its cache and its lock."""
    needs = f"\nThe worker's environment must have {', '.join(job.variables)}.\n" if job.variables else ""
    # Airflow renders the command with Jinja, and takes one that ends in .sh for a template's name.
    command = "{% raw %}" + f"cd {shlex.quote(str(job.folder))} && {shlex.join(job.command)}" + "{% endraw %} "
    text = f'''\
"""Runs Easel every night. Skipped is a night when a candidate was not approved (exit code 4: the old version serves on,
and the task's log says why) or another run was at work (75); what trained and why is in `easel runs`.
{needs}"""

import datetime

try:
    from airflow.providers.standard.operators.bash import BashOperator
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.operators.bash import BashOperator

with DAG(
    dag_id={job.unit!r},
    schedule={f"{job.minute} {job.hour} * * *"!r},
    start_date=datetime.datetime(2024, 1, 1),
    catchup=False,
    max_active_runs=1,
    tags=["easel"],
) as dag:
    BashOperator(
        task_id="run",
        bash_command={command!r},
        skip_on_exit_code=[4, 75],
        append_env=True,
    )
'''
    return {f"{job.unit}_dag.py": text}


WRITERS = {"cron": cron, "systemd": systemd, "airflow": airflow}


def _install_cron(job: Job, crontab: Path) -> tuple[str, ...]:
    others = f"crontab -l 2>/dev/null | grep -vF {shlex.quote(f'# {job.unit}')}"
    return (f"({others}; cat {_quoted(crontab)}) | crontab -",)


def _install_systemd(job: Job, service: Path, timer: Path) -> tuple[str, ...]:
    units = "~/.config/systemd/user"
    return (
        f"mkdir -p {units} && cp {_quoted(service)} {_quoted(timer)} {units}/",
        f"systemctl --user daemon-reload && systemctl --user enable --now {timer.name}",
        "loginctl enable-linger  # or nothing starts while you are logged out",
    )


def _install_airflow(job: Job, dag: Path) -> tuple[str, ...]:
    return (f"cp {_quoted(dag)} $AIRFLOW_HOME/dags/",)


INSTALL = {"cron": _install_cron, "systemd": _install_systemd, "airflow": _install_airflow}
"""The commands that put the written files to use; given twice they do no more than once."""


def _quoted(path: Path) -> str:
    return shlex.quote(str(path.absolute()))


def _notice(job: Job) -> str:
    """A shell's line that says what exit code 4 means; `<4>` makes it a warning for systemd's journal."""
    why = shlex.join([str(job.easel), "runs", "show", "--workspace", str(job.workspace)])
    text = f"<4>{job.name}: a candidate was not approved, and the old version serves on; why: {why}"
    return f'[ "$EXIT_STATUS" != 4 ] || echo {shlex.quote(text)}'


def _specifier(path: Path) -> str:
    return str(path).replace("%", "%%")


def _argument(text: str) -> str:
    """One argument as systemd reads it: quoted, with its own specifiers and variables escaped.

    The program is an argument, too, of `env`: systemd takes no quotes in the path of what it executes itself.
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if re.search(r"[\s\"'\\]", text) else escaped
