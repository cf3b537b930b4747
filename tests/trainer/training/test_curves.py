from trainer.training.curves import Curves


def test_a_training_that_goes_on_keeps_its_curve_and_repeats_no_step(tmp_path):
    path = tmp_path / "curves.json"
    first = Curves(path)
    first.add(1, loss=4.0)
    first.add(2, loss=3.0, style=0.5)
    first.add(3, loss=2.0, style=0.4)
    other = Curves(path)  # was killed after step 3, and its state is of step 1
    other.add(2, loss=3.5, style=0.6)
    assert other.by_name() == Curves(path).by_name() == {"step": [1, 2], "loss": [4.0, 3.5], "style": [0.6]}


def test_without_a_row_there_is_nothing(tmp_path):
    assert Curves(tmp_path / "curves.json").by_name() == {}
