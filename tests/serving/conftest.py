import pytest


@pytest.fixture
def saved_model(tmp_path):
    """Makes stand-ins for SavedModels: the registry reads bytes, not graphs."""

    def make(content):
        root = tmp_path / f"model-{content}"
        for folder in ("variables", "assets"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "saved_model.pb").write_text(content)
        (root / "variables" / "variables.index").write_text("index")
        return root

    return make


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Two SavedModels with the contract's signatures: `colours` says red or blue, `echo` shows what it was given."""
    pytest.importorskip("tensorflow")
    from tests.serving import tiny

    root = tmp_path_factory.mktemp("tiny")
    tiny.save(root)
    return root


@pytest.fixture(scope="session")
def serving(tiny):
    """A serving directory with both, as `photos` and `painter`."""
    from tests.serving.tiny import push

    return push(tiny, tiny / "serving")
