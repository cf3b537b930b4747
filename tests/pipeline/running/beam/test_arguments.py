"""Beam's arguments for each runner."""

import json
import os
import subprocess
import sys

import pytest
from apache_beam.options import pipeline_options

from pipeline.configuration.beam import BeamOptions
from pipeline.running.beam.arguments import EXCHANGE, LOCAL, arguments
from trainer.base.errors import UserError


def test_nothing_configured_is_one_worker_in_this_process():
    assert arguments(BeamOptions()) == list(LOCAL)
    assert arguments(BeamOptions(), ["--x"]) == [*LOCAL, "--x"]


def test_several_direct_workers_are_processes():
    options = pipeline_options.PipelineOptions(arguments(BeamOptions(workers=3)))
    direct = options.view_as(pipeline_options.DirectOptions)
    assert (direct.direct_running_mode, direct.direct_num_workers) == ("multi_processing", 3)


def test_a_runner_among_the_arguments_given_wins():
    given = ["--runner=SomethingElse", "--y"]
    assert arguments(BeamOptions(runner="flink"), given, "localhost:1") == given
    assert arguments(BeamOptions(), ["--runner=DirectRunner"]) == [*LOCAL, "--runner=DirectRunner"]


def test_flink_takes_our_worker_processes_which_share_the_processors():
    given = arguments(BeamOptions(runner="flink"), endpoint="localhost:1")
    options = pipeline_options.PipelineOptions(given).view_as(pipeline_options.PortableOptions)
    assert (options.job_endpoint, options.environment_type) == ("localhost:1", "PROCESS")
    environment = json.loads(options.environment_config)
    assert environment["env"] == {"EASEL_THREADS": str(max(1, len(os.sched_getaffinity(0)) // 2))}
    said = subprocess.run([environment["command"], "--help"], capture_output=True, text=True, check=True).stdout
    assert "--provision_endpoint" in said
    assert {"--parallelism=2", "--sdk_worker_parallelism=2", *EXCHANGE} <= set(given)


def test_a_cluster_may_have_more_parts_than_workers_on_a_machine_and_another_place_for_the_worker():
    options = BeamOptions(runner="flink", address="host:8081", workers=4, parallelism=40, threads=3, worker="/opt/w")
    given = arguments(options, endpoint="localhost:1")
    assert {"--parallelism=40", "--sdk_worker_parallelism=4"} <= set(given)
    assert '--environment_config={"command": "/opt/w", "env": {"EASEL_THREADS": "3"}}' in given


def test_spark_is_beams_own_runner_with_our_workers():
    given = arguments(BeamOptions(runner="spark", address="spark://host:7077"))
    assert {"--runner=SparkRunner", "--spark_master_url=spark://host:7077", "--environment_type=PROCESS"} <= set(given)


def test_dataflow_says_what_it_lacks():
    with pytest.raises(UserError, match=r"also needs --region=\.\.\., --sdk_container_image=\.\.\. in beam_args"):
        arguments(BeamOptions(runner="dataflow"), ["--project=p", "--temp_location=gs://b/t"])
    given = ["--project=p", "--region=r", "--temp_location=gs://b/t", "--sdk_container_image=i"]
    assert arguments(BeamOptions(runner="dataflow", workers=9), given) == [
        "--runner=DataflowRunner", "--num_workers=9", *given,
    ]  # fmt: skip


def test_importing_the_worker_is_light():
    code = "import sys, pipeline.running.beam.worker; print(sorted({'apache_beam', 'tensorflow'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
