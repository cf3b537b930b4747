import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.style.training.muon import Muon, is_matrix, orthogonalised


@pytest.mark.parametrize("shape", [(16, 16), (24, 8), (8, 40)])
def test_singular_values_become_about_one_and_directions_stay(shape):
    matrix = np.random.default_rng(0).normal(0, 3, shape).astype(np.float32)
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    found = orthogonalised(tf.constant(matrix)).numpy()
    values = np.diag(left.T @ found @ right.T)
    np.testing.assert_allclose(left @ np.diag(values) @ right, found, atol=2e-3)
    assert values.min() > 0.6
    assert values.max() < 1.25


def test_a_matrix_of_zeros_stays():
    np.testing.assert_array_equal(orthogonalised(tf.zeros([8, 9])), np.zeros([8, 9]))


def test_kernels_of_one_pixel_are_matrices_and_others_are_not():
    shapes = {
        (96, 64): True,
        (1, 1, 16, 64): True,
        (3, 3, 64, 1): False,
        (64,): False,
        (5, 5, 3, 16): False,
        (64, 3): False,
    }
    assert {shape: is_matrix(keras.Variable(np.zeros(shape))) for shape in shapes} == shapes


def test_larger_kernels_are_matrices_where_that_is_asked():
    variable = keras.Variable(np.random.default_rng(0).normal(0, 1, (3, 3, 8, 16)).astype(np.float32))
    before = variable.numpy()
    optimizer = Muon(0.01, 10.0, kernels=True)
    optimizer.build([variable])
    optimizer.apply([tf.random.Generator.from_seed(1).normal([3, 3, 8, 16])], [variable])
    step = np.linalg.svd((before - variable.numpy()).reshape(72, 16), compute_uv=False) / 0.1
    assert step.min() > 0.6
    assert step.max() < 1.25
    assert not is_matrix(variable)


def test_all_but_matrices_move_as_with_adam():
    rng = np.random.default_rng(0)
    start = [rng.normal(0, 1, shape).astype(np.float32) for shape in ((12, 12), (12,), (3, 3, 12, 1))]
    gradients = [[rng.normal(0, 1, value.shape).astype(np.float32) for value in start] for _ in range(3)]

    def after(optimizer):
        variables = [keras.Variable(value) for value in start]
        for step in gradients:
            optimizer.apply(step, variables)
        return [variable.numpy() for variable in variables]

    ours, adam = after(Muon(0.01, matrix_ratio=5.0)), after(keras.optimizers.Adam(0.01))
    for index in (1, 2):
        np.testing.assert_allclose(ours[index], adam[index])
    # Three steps of about .05 in every direction of the matrix.
    moved = np.linalg.svd(ours[0] - start[0], compute_uv=False)
    assert moved.max() < 3 * 0.05 * 1.25
    assert np.linalg.norm(ours[0] - adam[0]) > 0.05
