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
