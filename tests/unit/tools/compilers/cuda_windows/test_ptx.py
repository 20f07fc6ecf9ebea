"""What nvcc's PTX says of kernels and variables."""

from __future__ import annotations

import pytest

from tools.compilers.cuda_windows.ptx import DeviceCode, read_ptx

PTX = """\
.version 9.0
.target sm_90
.address_size 64

.extern .func  (.param .b32 func_retval0) vprintf
(
	.param .b64 vprintf_param_0
);
.const .align 4 .b8 table_st[16];
.visible .const .align 16 .v4 .f32 four;
.global .align 4 .u32 counter;
.global .align 8 .u64 numbers[3] = {1, 2, 3};
.extern .shared .align 16 .b8 data_mmq[];
.global .align 1 .b8 $str[7] = {37, 105, 32, 110, 111, 10};

.entry _Z2tkPfl(
	.param .u64 .ptr .align 1 _Z2tkPfl_param_0,
	.param .align 4 .b8 _Z2tkPfl_param_1[12],
	.param .u8 _Z2tkPfl_param_2,
	.param .f32 _Z2tkPfl_param_3
)
.maxntid 256, 1, 1
{
	.reg .b32 	%r<5>;
	ld.param.u64 	%rd1, [_Z2tkPfl_param_0];
	// .entry is a word in a comment
	ret;
}
.visible .entry none()
{
	ret;
}
.weak .entry bare
{
	ret;
}
"""


@pytest.fixture
def code() -> DeviceCode:
    return read_ptx(PTX)


def test_kernels_have_the_bytes_of_their_parameters(code: DeviceCode) -> None:
    assert code.kernels == {"_Z2tkPfl": (8, 12, 1, 4), "none": (), "bare": ()}


def test_variables_have_their_bytes(code: DeviceCode) -> None:
    assert code.variables == {"table_st": 16, "four": 16, "counter": 4, "numbers": 24, "$str": 7}


def test_an_empty_file_has_nothing() -> None:
    assert read_ptx(".version 9.0\n.target sm_75\n") == DeviceCode(kernels={}, variables={})
