"""The schedulers' files: run by a shell, verified by systemd, loaded and run by an Airflow where there is one."""

import dataclasses
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.cli import main
from pipeline.scheduling import schedule
from pipeline.scheduling.schedule import Job
from trainer.base.errors import UserError

AIRFLOW = os.environ.get("EASEL_AIRFLOW", "")


@pytest.fixture
def job(tmp_path):
    """A job whose paths have what a shell, cron, systemd and Jinja take for their own; its `easel` notes how it ran."""
    folder = tmp_path / "it's 100% $HOME {{here}}"
    folder.mkdir()
    easel = folder / "easel"
    easel.write_text('#!/bin/sh\nprintf "%s\\n" "$PWD" "$@" "$PHOTOS" > seen\nexit ${CODE:-0}\n')
    easel.chmod(0o755)
    return Job("nightly", "easel-nightly-1a2b3c", easel, folder / "my config.yaml", folder, folder / "work 'n'", 2, 5)


def seen(job):
    return (job.folder / "seen").read_text().splitlines()


def test_the_line_of_cron_runs_as_cron_runs_it(job):
    job.environment_file.write_text("PHOTOS='/data/my photos'\n")
    job.log.parent.mkdir(parents=True)
    [(name, text)] = schedule.cron(dataclasses.replace(job, variables=("PHOTOS",))).items()
    assert name == "easel-nightly-1a2b3c.cron"
    assert text.count("\n") == 1
    *times, command = text.rstrip("\n").split(" ", 5)
    assert times == ["5", "2", "*", "*", "*"]
    # An unescaped % ends the command.
    assert "%" not in command.replace("\\%", "")
    subprocess.run(["/bin/sh", "-c", command.replace("\\%", "%")], check=True, env={"PATH": os.environ["PATH"]})
    assert seen(job) == [str(job.folder), "run", str(job.config), "/data/my photos"]
    assert job.log.exists()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_finds_no_fault_in_the_units(job, tmp_path):
    units = schedule.systemd(dataclasses.replace(job, variables=("PHOTOS",)))
    for name, text in units.items():
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / name) for name in units)],
        capture_output=True, text=True, env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_the_units_know_when_and_what_is_no_failure(job):
    service, timer = schedule.systemd(job).values()
    assert "SuccessExitStatus=4 75 143" in service
    assert "EnvironmentFile" not in service
    assert "OnCalendar=*-*-* 02:05:00" in timer


@pytest.mark.parametrize(("code", "warned"), [(0, False), (4, True), (75, False), (1, False)])
def test_a_candidate_that_was_not_approved_is_a_warning_in_the_journal(job, code, warned):
    service, _ = schedule.systemd(job).values()
    [line] = [line for line in service.splitlines() if line.startswith("ExecStopPost=")]
    # As systemd reads the line: its own quotes and backslashes, %% and $$.
    program, flag, script = shlex.split(line.partition("=")[2].replace("%%", "%").replace("$$", "$"))
    done = subprocess.run([program, flag, script], env={"EXIT_STATUS": str(code)}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("<4>nightly: a candidate was not approved") == warned
    assert (shlex.quote(str(job.workspace)) in done.stdout) == warned


def test_units_are_called_after_the_configuration_and_never_alike(tmp_path):
    names = set()
    for folder in ("photos", "other/photos", "my photos!"):
        (tmp_path / folder).mkdir(parents=True)
        for file in ("easel.yaml", "second.yaml"):
            (tmp_path / folder / file).touch()
            names.add(schedule.unit("easel", tmp_path / folder / file))
    assert len(names) == 6
    assert all(re.fullmatch(r"easel-(my-)?photos-[0-9a-f]{6}", name) for name in names)
    assert schedule.unit("flowers", tmp_path / "photos" / "easel.yaml").startswith("easel-flowers-")
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    assert schedule.unit("easel", tmp_path / "link" / "easel.yaml") in names


def test_installing_a_crontab_twice_leaves_one_line_and_the_others(job, tmp_path):
    """With a `crontab` that keeps its table in a file."""
    table = tmp_path / "table"
    table.write_text("0 1 * * * true # mine\n")
    command = tmp_path / "bin" / "crontab"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\n[ "$1" = -l ] && exec cat {table}\ncat > {table}.new && mv {table}.new {table}\n')
    command.chmod(0o755)
    environment = {"PATH": f"{command.parent}:{os.environ['PATH']}"}
    for hour in (2, 3):
        changed = dataclasses.replace(job, hour=hour)
        [(name, text)] = schedule.cron(changed).items()
        (tmp_path / "my files").mkdir(exist_ok=True)
        (tmp_path / "my files" / name).write_text(text)
        [install] = schedule.INSTALL["cron"](changed, tmp_path / "my files" / name)
        subprocess.run(["/bin/sh", "-c", install], check=True, env=environment)
    mine, ours = table.read_text().splitlines()
    assert mine == "0 1 * * * true # mine"
    assert ours.startswith("5 3 * * *")


def test_installing_units_makes_the_folder_and_may_be_done_twice(job, tmp_path):
    files = []
    for name, text in schedule.systemd(job).items():
        files.append(tmp_path / name)
        files[-1].write_text(text)
    copy, enable, linger = schedule.INSTALL["systemd"](job, *files)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home")}
    for _ in range(2):
        subprocess.run(["/bin/sh", "-c", copy], check=True, env=environment)
    installed = sorted(path.name for path in (tmp_path / "home/.config/systemd/user").iterdir())
    assert installed == ["easel-nightly-1a2b3c.service", "easel-nightly-1a2b3c.timer"]
    assert enable == "systemctl --user daemon-reload && systemctl --user enable --now easel-nightly-1a2b3c.timer"
    assert linger.startswith("loginctl enable-linger")


def test_the_dag_is_python_and_names_what_it_needs(job):
    [(name, text)] = schedule.airflow(dataclasses.replace(job, variables=("PHOTOS",))).items()
    assert name == "easel-nightly-1a2b3c_dag.py"
    compile(text, name, "exec")
    assert "The worker's environment must have PHOTOS." in text
    assert "skip_on_exit_code=[4, 75]" in text


ASK = """
import json, os, sys
try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:  # Airflow 2
    from airflow.models import DagBag
bag = DagBag(sys.argv[1])
assert not bag.import_errors, bag.import_errors
[dag] = bag.dags.values()
states = {}
for code in sys.argv[2:]:
    os.environ["CODE"] = code
    states[code] = [str(each.state) for each in dag.test().get_task_instances()]
print(json.dumps([dag.dag_id, states]))
"""


@pytest.mark.airflow
@pytest.mark.skipif(not AIRFLOW, reason="needs Airflow: EASEL_AIRFLOW names the python of an environment that has it")
def test_airflow_loads_and_runs_the_dag_and_skips_beside_another_run(job, tmp_path):
    dags = tmp_path / "airflow" / "dags"
    dags.mkdir(parents=True)
    for name, text in schedule.airflow(job).items():
        (dags / name).write_text(text)
    settings = {"AIRFLOW_HOME": str(dags.parent), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    environment = {**os.environ, **settings}

    def airflow(*arguments):
        done = subprocess.run([AIRFLOW, *arguments], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    airflow("-m", "airflow", "db", "migrate")
    told = json.loads(airflow("-c", ASK, str(dags), "0", "75", "4", "3").splitlines()[-1])
    assert told == [job.unit, {"0": ["success"], "75": ["skipped"], "4": ["skipped"], "3": ["failed"]}]
    assert seen(job) == [str(job.folder), "run", str(job.config), ""]


@pytest.mark.parametrize("time", ["24:00", "2.30", "02:60", "noon", "02:30:00"])
def test_a_time_that_is_none_is_refused(time):
    with pytest.raises(UserError, match="write a time of day"):
        schedule.at(time)


def test_the_command_writes_the_files_and_says_what_to_do(config_file, monkeypatch):
    monkeypatch.chdir(config_file.parent)
    monkeypatch.setenv("PHOTOS", "photos")
    config_file.write_text(config_file.read_text().replace("photos: photos", "photos: ${PHOTOS}"))
    result = CliRunner().invoke(main, ["schedule", str(config_file), "--as", "systemd", "--at", "4:07", "-o", "units"])
    assert result.exit_code == 0, result.stderr
    unit = schedule.unit("easel", config_file)
    assert f"systemctl --user enable --now {unit}.timer" in result.stdout
    assert f"Put PHOTOS into {config_file.with_suffix('.env')}" in result.stderr
    service = Path(f"units/{unit}.service").read_text()
    assert f"ExecStart=/usr/bin/env {Path(sys.executable).with_name('easel')} run {config_file}" in service
    assert f"EnvironmentFile={config_file.with_suffix('.env')}" in service
    assert "04:07:00" in Path(f"units/{unit}.timer").read_text()
    arguments = ["schedule", str(config_file), "--as", "cron", "--set", "seed=5", "--json"]
    document = json.loads(CliRunner().invoke(main, arguments).stdout)
    assert f"run {config_file} --set seed=5 >>" in Path(f"{unit}.cron").read_text()
    assert document["files"] == [str(Path(f"{unit}.cron").absolute())]
    assert len(document["commands"]) == 1


def test_where_nothing_can_be_written_nothing_is_scheduled(config_file, tmp_path):
    arguments = ["--as", "systemd", "-o", str(tmp_path / "units"), "--set", "workspace=/proc/easel"]
    result = CliRunner().invoke(main, ["schedule", str(config_file), *arguments])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "workspace: /proc/easel cannot be written" in result.stderr
    assert not (tmp_path / "units").exists()


def test_kubeflow_gets_every_component_its_conditions_and_types_that_its_containers_can_import(config_file, tmp_path):
    pytest.importorskip("kfp.pipeline_spec", reason="needs kfp-pipeline-spec")
    from tfx.utils.import_utils import import_class_by_path

    arguments = ["--as", "kubeflow", "--image", "example/easel:1", "-o", tmp_path / "out", "--json"]
    result = CliRunner().invoke(main, ["schedule", str(config_file), *map(str, arguments)])
    assert result.exit_code == 0, result.stderr
    spec = json.loads(next((tmp_path / "out").glob("easel-*.json")).read_text())["pipelineSpec"]
    tasks = spec["root"]["dag"]["tasks"]
    assert {"Trainer.classifier", "StyleTrainer.style", "ServingPusher.style"} <= set(tasks)
    assert ".metadata['passed'] == 1.0" in tasks["Trainer.classifier"]["triggerPolicy"]["condition"]
    titles = set(re.findall(r"title: (pipeline\.\w+)", json.dumps(spec)))
    assert {import_class_by_path(each).TYPE_NAME for each in titles} >= {"EaselDataVerdict", "EaselDecision"}


def test_kubeflow_needs_an_image(config_file):
    result = CliRunner().invoke(main, ["schedule", str(config_file), "--as", "kubeflow"])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "--image" in result.stderr
