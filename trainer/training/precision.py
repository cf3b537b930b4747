"""Which numbers to compute with: a pure function of what the machine has, so that it can be tested on any machine."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Literal

Precision = Literal["auto", "float32", "bfloat16", "float16"]

# AVX2 alone emulates bfloat16, measured 12x slower than float32. AVX512_BF16 halves the time of VGG19's dense
# convolutions, but a step of MobileNetV2 takes 0.8x (all layers trained) to 1.1x (upper ones) of its time in float32, a
# prediction 1.1x. AMX wins with both.
_BFLOAT16_FLAG, _BFLOAT16_DENSE_FLAG = "amx_bf16", "avx512_bf16"


def choose(precision: Precision, cpu_flags: Collection[str], devices: Collection[str], dense: bool = False) -> str:
    """`float32`, `bfloat16` or `float16` for `precision`; anything but `auto` is taken as it is.

    Args:
        precision: what the person asked for.
        cpu_flags: as in /proc/cpuinfo.
        devices: device types that TensorFlow sees (`CPU`, `GPU`, `TPU`).
        dense: whether the time goes into dense convolutions over many channels, as in VGG19.
    """
    if precision != "auto":
        return precision
    if "TPU" in devices:
        return "bfloat16"
    if "GPU" in devices:
        return "float16"
    wins = {_BFLOAT16_FLAG, _BFLOAT16_DENSE_FLAG} if dense else {_BFLOAT16_FLAG}
    return "bfloat16" if wins & set(cpu_flags) else "float32"


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """The instruction sets of this machine's first processor; empty where the file does not exist."""
    if not cpuinfo.exists():
        return frozenset()
    found = re.search(r"^flags\s*:\s*(.*)$", cpuinfo.read_text(), re.MULTILINE)
    return frozenset(found.group(1).split()) if found else frozenset()


def policy(name: str) -> str:
    """The Keras dtype policy for a result of `choose`: variables stay float32."""
    return name if name == "float32" else f"mixed_{name}"
