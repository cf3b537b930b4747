"""The split ledger on TFX's own machinery: splits stay, and a run with nothing new still comes from the cache."""

import hashlib
import json
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.dsl.compiler import compiler

from components.artifacts import features
from components.image_folder_example_gen.whole_folder import ledger
from pipeline import dag
from pipeline.configuration.config import Config
from pipeline.history.store import Store
from pipeline.history.verdicts import Outputs
from pipeline.planning import snapshot
from pipeline.running.lane_runner import LaneRunner
from tests.components.image_folder_example_gen import corpus

NODE = "ImageFolderExampleGen.photos"


def draw(folder: Path, label: str, seeds: range) -> None:
    (folder / label).mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        corpus.photo(seed=seed).save(folder / label / f"{seed}.jpg", quality=92)


class Lane:
    """Runs ingest of the folder `photos`, as the pipeline defines it, as often as is wanted."""

    def __init__(self, root: Path):
        self.photos, workspace = root / "photos" / "span-7", root / "workspace"
        workspace.mkdir()
        self.config = Config.model_validate(
            {"workspace": str(workspace), "classifier": {"photos": str(root / "photos" / "span-{SPAN}")}}
        )

    def run(self) -> str:
        """The state of the node."""
        pipeline, _ = dag.build(self.config, snapshot.take(self.config))
        compiled = compiler.Compiler().compile(pipeline)
        for index in reversed(range(len(compiled.nodes))):
            if compiled.nodes[index].pipeline_node.node_info.id != NODE:
                del compiled.nodes[index]
        trace = LaneRunner(lambda node, state: None).run_with_ir(compiled)
        assert not trace.errors
        self.outputs = Outputs(Store(self.config.workspace).run(trace.run_id))
        return trace.states[NODE]

    def splits(self) -> dict[str, str]:
        """The split of every Example, by file name."""
        found = {}
        for split in ("train", "eval"):
            files = tf.io.gfile.glob(f"{self.outputs.folder(NODE, 'examples')}/Split-{split}/*")
            for record in tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator():
                feature = tf.train.Example.FromString(record).features.feature
                name = feature[features.FILENAME].bytes_list.value[0].decode()
                found[name.removeprefix("span-7/")] = split
        return found


@pytest.fixture(scope="module")
def lane(tmp_path_factory) -> Lane:
    lane = Lane(tmp_path_factory.mktemp("ledger"))
    draw(lane.photos, "cat", range(20))
    assert lane.run() == "done"
    return lane


def test_runs_with_nothing_new_are_cached_and_new_images_move_no_old_one(lane):
    first = lane.splits()
    assert sum(split == "eval" for split in first.values()) == 4
    assert lane.run() == "cached"
    assert lane.outputs.artifact(NODE, "examples").properties["span"] == 7

    draw(lane.photos, "cat", range(20, 40))
    draw(lane.photos, "dog", range(100, 110))
    assert lane.run() == "done"
    second = lane.splits()
    assert {name: second[name] for name in first} == first
    assert sum(second[f"cat/{seed}.jpg"] == "eval" for seed in range(40)) == 8
    assert lane.run() == "cached"
    assert lane.run() == "cached"

    for seed in range(20):
        (lane.photos / "cat" / f"{seed}.jpg").rename(lane.photos / "cat" / f"renamed-{seed}.jpg")
    assert lane.run() == "done"
    third = lane.splits()
    assert all(third[f"cat/renamed-{seed}.jpg"] == first[f"cat/{seed}.jpg"] for seed in range(20))

    gone = {path: path.read_bytes() for path in (lane.photos / "cat").glob("renamed-*")}
    for path in gone:
        path.unlink()
    assert lane.run() == "done"
    for path, content in gone.items():
        path.write_bytes(content)
    assert lane.run() == "done"
    assert lane.splits() == third  # the ledger remembers what was away


def test_a_near_copy_between_the_splits_is_left_out_and_counted(lane):
    latest = snapshot.latest_ledgers(lane.config)["photos"]
    image = corpus.photo(seed=300)
    # As if earlier runs had put two of them into different splits before anybody looked for near-copies.
    copies = [corpus.save(image, "JPEG", quality=quality) for quality in (95, 90, 85)]
    for number, data in enumerate(copies):
        (lane.photos / "cat" / f"copy-{number}.jpg").write_bytes(data)
    digests = [hashlib.sha256(data).hexdigest() for data in copies]
    path = Path(ledger.files(latest.uri)[0])
    path.write_text(path.read_text() + f"{digests[0]}\ttrain\n{digests[1]}\teval\n")
    assert lane.run() == "done"
    splits = lane.splits()
    assert (splits["cat/copy-0.jpg"], splits["cat/copy-1.jpg"]) == ("train", "eval")
    assert "cat/copy-2.jpg" not in splits
    report = lane.outputs.document(NODE, "report", "report.json")
    assert report["reasons"] == {"near_duplicate": 1}
    assert report["seen"] == report["examples"] + report["rejected"] + report["duplicates"] + report["ignored"]
    assert report["near_duplicates"] == {"groups": 1, "images": 3, "conflicts": 0, "left_out": 1}
    (line,) = (lane.outputs.folder(NODE, "report") / "near_duplicates.jsonl").read_text().splitlines()
    assert [each["split"] for each in json.loads(line)["files"]] == ["train", "eval", ""]
