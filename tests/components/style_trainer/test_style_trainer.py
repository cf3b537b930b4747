import json
import sys
import types

import pytest
from tfx.types import artifact_utils, standard_artifacts

from components.style_trainer.executor import Executor


def artifact(kind, folder, splits=()):
    made = kind()
    made.uri = str(folder)
    if splits:
        made.split_names = artifact_utils.encode_split_names(list(splits))
    return [made]


@pytest.fixture
def seen(monkeypatch):
    """A module `a_trainer` whose `run_fn` keeps its argument; `write` says whether it makes the model's folder."""
    module = types.ModuleType("a_trainer")
    module.write = True

    def run_fn(fn_args):
        module.fn_args = fn_args
        if module.write:
            import pathlib

            pathlib.Path(fn_args.serving_model_dir).mkdir(parents=True)

    module.run_fn = run_fn
    monkeypatch.setitem(sys.modules, "a_trainer", module)
    return module


def run(folder):
    Executor().Do(
        {
            "photos": artifact(standard_artifacts.Examples, folder / "photos", ["train", "eval"]),
            "paintings": artifact(standard_artifacts.Examples, folder / "paintings", ["train"]),
            "photos_graph": artifact(standard_artifacts.TransformGraph, folder / "photos_graph"),
            "paintings_graph": artifact(standard_artifacts.TransformGraph, folder / "paintings_graph"),
        },
        {
            "model": artifact(standard_artifacts.Model, folder / "model"),
            "model_run": artifact(standard_artifacts.ModelRun, folder / "run"),
        },
        {"run_fn": "a_trainer.run_fn", "custom_config": json.dumps({"seed": 3})},
    )


def test_both_sets_reach_the_training(tmp_path, seen):
    run(tmp_path)
    found = seen.fn_args
    assert found.train_files == [f"{tmp_path}/photos/Split-train/*"]
    assert found.eval_files == [f"{tmp_path}/photos/Split-eval/*"]
    assert found.transform_graph_path == f"{tmp_path}/photos_graph"
    assert found.serving_model_dir == f"{tmp_path}/model/Format-Serving"
    assert found.model_run_dir == f"{tmp_path}/run"
    assert found.custom_config == {
        "seed": 3,
        "paintings_files": [f"{tmp_path}/paintings/Split-train/*"],
        "paintings_eval_files": [],
        "paintings_transform_graph": f"{tmp_path}/paintings_graph",
    }


def test_a_training_without_a_model_is_an_error(tmp_path, seen):
    seen.write = False
    with pytest.raises(RuntimeError, match="wrote no model"):
        run(tmp_path)
