"""The schedulers' files: run by a shell, verified by systemd, loaded and run by an Airflow where there is one."""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.cli import main
from pipeline.scheduling import schedule
from pipeline.scheduling.schedule import Job
from trainer.errors import UserError

AIRFLOW = os.environ.get("EASEL_AIRFLOW", "")


@pytest.fixture
def job(tmp_path):
    """A job whose paths have what a shell, cron, systemd and Jinja take for their own; its `easel` notes how it ran."""
    folder = tmp_path / "it's 100% $HOME {{here}}"
    folder.mkdir()
    easel = folder / "easel"
    easel.write_text('#!/bin/sh\nprintf "%s\\n" "$PWD" "$@" "$PHOTOS" > seen\nexit ${CODE:-0}\n')
    easel.chmod(0o755)
    return Job("nightly", easel, folder / "my config.yaml", folder, folder / "the log", 2, 5)


def seen(job):
    return (job.folder / "seen").read_text().splitlines()


def test_the_line_of_cron_runs_as_cron_runs_it(job):
    job.environment_file.write_text("PHOTOS='/data/my photos'\n")
    [(name, text)] = schedule.cron(dataclasses.replace(job, variables=("PHOTOS",))).items()
    assert name == "nightly.cron"
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
    assert "SuccessExitStatus=75 143" in service
    assert "EnvironmentFile" not in service
    assert "OnCalendar=*-*-* 02:05:00" in timer


def test_the_dag_is_python_and_names_what_it_needs(job):
    [(name, text)] = schedule.airflow(dataclasses.replace(job, variables=("PHOTOS",))).items()
    assert name == "nightly_dag.py"
    compile(text, name, "exec")
    assert "The worker's environment must have PHOTOS." in text
    assert "skip_on_exit_code=75" in text


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
    told = json.loads(airflow("-c", ASK, str(dags), "0", "75", "3").splitlines()[-1])
    assert told == ["nightly", {"0": ["success"], "75": ["skipped"], "3": ["failed"]}]
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
    assert "systemctl --user enable --now easel.timer" in result.stdout
    assert f"Put PHOTOS into {config_file.with_suffix('.env')}" in result.stderr
    service = Path("units/easel.service").read_text()
    assert f"ExecStart=/usr/bin/env {Path(sys.executable).with_name('easel')} run {config_file}" in service
    assert f"EnvironmentFile={config_file.with_suffix('.env')}" in service
    assert "04:07:00" in Path("units/easel.timer").read_text()
    arguments = ["schedule", str(config_file), "--as", "cron", "--set", "seed=5", "--json"]
    document = json.loads(CliRunner().invoke(main, arguments).stdout)
    assert f"run {config_file} --set seed=5 >>" in Path("easel.cron").read_text()
    assert document == {"files": [str(Path("easel.cron").absolute())]}


def test_kubeflow_gets_every_component_its_conditions_and_types_that_its_containers_can_import(config_file, tmp_path):
    pytest.importorskip("kfp.pipeline_spec", reason="needs kfp-pipeline-spec")
    from tfx.utils.import_utils import import_class_by_path

    arguments = ["--as", "kubeflow", "--image", "example/easel:1", "-o", tmp_path / "out", "--json"]
    result = CliRunner().invoke(main, ["schedule", str(config_file), *map(str, arguments)])
    assert result.exit_code == 0, result.stderr
    spec = json.loads((tmp_path / "out" / "easel.json").read_text())["pipelineSpec"]
    tasks = spec["root"]["dag"]["tasks"]
    assert {"Trainer.classifier", "StyleTrainer.style", "ServingPusher.style"} <= set(tasks)
    assert ".metadata['passed'] == 1.0" in tasks["Trainer.classifier"]["triggerPolicy"]["condition"]
    titles = set(re.findall(r"title: (pipeline\.\w+)", json.dumps(spec)))
    assert {import_class_by_path(each).TYPE_NAME for each in titles} >= {"EaselDataVerdict", "EaselDecision"}


def test_kubeflow_needs_an_image(config_file):
    result = CliRunner().invoke(main, ["schedule", str(config_file), "--as", "kubeflow"])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "--image" in result.stderr
