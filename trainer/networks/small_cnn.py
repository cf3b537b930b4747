"""A small convolutional network that learns from scratch in about a minute, for machines without pretrained weights."""

import keras


def small_cnn(input_tensor: keras.KerasTensor, weights: None = None, include_top: bool = False) -> keras.Model:
    """Four stages of 3x3 convolutions with batch normalisation and relu6 (which int8 represents well), 16x reduction.

    The signature is that of `keras.applications`. Output: [N, ceil(H/16), ceil(W/16), 128].
    """
    x = input_tensor
    for stage, filters in enumerate((16, 32, 64, 128)):
        x = keras.layers.Conv2D(filters, 3, 2, padding="same", use_bias=False, name=f"stage{stage}_conv")(x)
        x = keras.layers.BatchNormalization(momentum=0.9, name=f"stage{stage}_norm")(x)
        x = keras.layers.ReLU(6.0, name=f"stage{stage}_relu")(x)
        if stage:
            x = keras.layers.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=f"stage{stage}_conv2")(x)
            x = keras.layers.BatchNormalization(momentum=0.9, name=f"stage{stage}_norm2")(x)
            x = keras.layers.ReLU(6.0, name=f"stage{stage}_relu2")(x)
    return keras.Model(keras.utils.get_source_inputs(input_tensor), x, name="small_cnn")
