"""Names of kernels and variables: nvcc's for Linux, and clang's for Windows."""

from __future__ import annotations

import sys

import pytest

from tools.compilers.cuda_windows.names import (
    UnmatchedError,
    demangled,
    of_the_host,
    on_windows,
    partners,
    require_all_used,
)

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="it is a compiler for Linux, and reads names as gcc does"
)

OWN = "46_INTERNAL_ec05f109_10_convert_cu_e8527a9b_2413"
"""What nvcc makes up for a file."""
PAIRS = {
    # clang for Windows: nvcc for Linux
    "_ZL2tkIfLy5ELx7EEvPKT_PS0_xy": "_Z2tkIfLm5ELl7EEvPKT_PS0_lm",  # static, a template with numbers of 64 bits
    "_ZL5plainyyPx": "_Z5plainymPl",  # unsigned long long is the same on both, uint64_t is not
    "_ZN12_GLOBAL__N_14anonEx": "_ZN36_GLOBAL__N__04ebae5c_4_t_cu_3e1281fc4anonEl",
    "_Z5withsIN12_GLOBAL__N_11SEEvT_": "_Z5withsIN36_GLOBAL__N__04ebae5c_4_t_cu_3e1281fc1SEEvT_",
    "_Z5withfIZ4hostPfS0_PiEUlS1_E_EvT_S1_": "_Z5withfIZ4hostPfS0_PiEUlS1_E_EvT_S1_",  # a lambda
    # a function as an argument, once with another one among its parameters
    "_ZL5blockILi32EXadL_ZL7dequantPKvxiR6float2EEfEvS1_PT1_x": (
        f"_Z5blockILi32EXadL_ZN{OWN}7dequantEPKvliR6float2EEfEvS2_PT1_l"
    ),
    "_ZL5blockILi32EXadL_ZL5applyPFvxExEEfEvPT1_": f"_Z5blockILi32EXadL_ZN{OWN}5applyEPFvlElEEfEvPT1_",
    "plain_c": "plain_c",  # extern "C"
}


@pytest.mark.parametrize(("host", "device"), PAIRS.items(), ids=map(demangled, PAIRS))
def test_a_kernel_has_the_same_meaning_on_both_sides(host: str, device: str) -> None:
    assert of_the_host(host) == on_windows(device)


def test_each_kernel_finds_its_own_among_all() -> None:
    assert partners(PAIRS, reversed(PAIRS.values()), "kernels") == PAIRS


def test_a_variable_of_the_file_loses_the_name_that_nvcc_makes_up() -> None:
    inside = "_ZN34_INTERNAL_04ebae5c_4_t_cu_3e1281fc36_GLOBAL__N__04ebae5c_4_t_cu_3e1281fc12anon_counterE"
    host = ["table_ext", "_ZL8table_st", "_ZN12_GLOBAL__N_112anon_counterE"]
    found = partners(host, ["table_st", inside, "table_ext", "not_for_the_host"], "variables")
    assert found == dict(zip(host, ["table_ext", "table_st", inside], strict=True))


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("_Z1fl", "f(long long)"),
        ("_Z1fm", "f(unsigned long long)"),
        ("_Z1fx", "f(long long)"),
        ("_Z1fe", "f(long double)"),
        ("_Z1fPKlPA3_m", "f(long long const*, unsigned long long (*) [3])"),
        ("_Z1fILl5ELm6ELj7ELi8EEvv", "void f<5ll, 6ull, 7u, 8>()"),
        ("_Znot_a_name", "_Znot_a_name"),
    ],
)
def test_integers_of_64_bits_are_long_long(name: str, meaning: str) -> None:
    assert on_windows(name) == meaning


def test_a_long_of_windows_has_no_partner() -> None:
    """It has 32 bits there, and 64 in nvcc's code: the kernel would read its neighbour as well."""
    with pytest.raises(UnmatchedError) as caught:
        partners(["_Z5scalel", "_Z4copyx"], ["_Z5scalel", "_Z4copyx"], "kernels")
    assert caught.value.what == "These kernels of the host's part have no partner in nvcc's device code: " + (
        "scale(long) (_Z5scalel)."
    )
    assert "copy(long long); scale(long long)" in caught.value.why
    assert "`long`" in caught.value.fix


def test_two_that_mean_the_same_are_told_apart_by_the_source() -> None:
    assert partners(["_Z1fx"], ["_Z1fl", "_Z1fx"], "kernels") == {"_Z1fx": "_Z1fx"}


def test_what_cannot_be_told_apart_is_an_error() -> None:
    with pytest.raises(UnmatchedError, match=r"f\(long long, long long\)"):
        partners(["_Z1fxx"], ["_Z1flx", "_Z1fxl"], "kernels")


def test_kernels_that_the_host_does_not_know_are_named() -> None:
    with pytest.raises(UnmatchedError) as caught:
        require_all_used({"_Z1fx": "_Z1fl"}, ["_Z1fl", "_Z4lonem"], "kernels")
    assert "lone(unsigned long long) (_Z4lonem)" in caught.value.what
