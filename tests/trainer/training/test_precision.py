import pytest

from trainer.training import precision


@pytest.mark.parametrize(
    ("flags", "devices", "expected"),
    [
        ({"avx2", "fma"}, {"CPU"}, "float32"),
        ({"avx2", "amx_bf16"}, {"CPU"}, "bfloat16"),
        ({"avx512_bf16"}, {"CPU"}, "float32"),
        ({"amx_bf16"}, {"CPU", "GPU"}, "float16"),
        ({"avx2"}, {"CPU", "TPU"}, "bfloat16"),
        (set(), set(), "float32"),
    ],
)
def test_auto_takes_what_the_machine_is_fast_at(flags, devices, expected):
    assert precision.choose("auto", flags, devices) == expected


def test_dense_convolutions_gain_from_bfloat16_earlier():
    assert precision.choose("auto", {"avx512_bf16"}, {"CPU"}, dense=True) == "bfloat16"
    assert precision.choose("auto", {"avx2"}, {"CPU"}, dense=True) == "float32"


def test_what_the_person_asked_for_is_taken():
    assert precision.choose("bfloat16", {"avx2"}, {"CPU"}) == "bfloat16"


def test_flags_are_read_from_cpuinfo(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nflags\t\t: fpu amx_bf16 avx2\n\nprocessor\t: 1\nflags\t\t: fpu\n")
    assert precision.cpu_flags(cpuinfo) == {"fpu", "amx_bf16", "avx2"}
    assert precision.cpu_flags(tmp_path / "absent") == frozenset()


def test_variables_stay_float32():
    assert [precision.policy(name) for name in ("float32", "bfloat16")] == ["float32", "mixed_bfloat16"]
