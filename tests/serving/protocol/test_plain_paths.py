"""TensorFlow and Beam are given names without patterns."""

import subprocess
import sys
from pathlib import Path

from easel_serving.protocol.plain_paths import is_plain, original, plain


def test_what_looks_like_a_pattern_gets_another_name_and_back(tmp_path):
    folder = tmp_path / "proj [2024]" / "what?" / "model"
    folder.mkdir(parents=True)
    name = plain(folder)
    assert is_plain(name)
    assert name.endswith("/model")
    Path(name, "file").write_text("content")
    assert (folder / "file").read_text() == "content"
    assert original(f"{name}/file") == f"{folder}/file"
    assert plain(tmp_path / "proj [2024]" / "what?" / "other.txt") == f"{name.removesuffix('model')}other.txt"
    for other in (str(tmp_path), "s3://bucket/[a]", "relative/path", "%d {x} $HOME -a 'q\""):
        assert plain(other) == other
        assert original(other) == other


def test_nothing_is_left_behind(tmp_path):
    code = "import sys; from easel_serving.protocol.plain_paths import plain; print(plain(sys.argv[1]))"
    shown = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "[a]")], capture_output=True, text=True, check=True
    )
    assert not Path(shown.stdout.strip()).parent.exists()
