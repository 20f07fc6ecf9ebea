"""Joining nvcc's device code with clang's host part, on a made source: kernels, variables, and what does not fit."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tools.compilers.cuda_windows.host_part import read_host_part
from tools.compilers.cuda_windows.joining import join
from tools.compilers.cuda_windows.names import UnmatchedError
from tools.compilers.cuda_windows.ptx import DeviceCode
from tools.errors import ToolError

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="it is a compiler for Linux, and reads names as gcc does"
)

# ruff: noqa: E501 - lines of IR are long
HOST = """\
source_filename = "t.cu"
target triple = "x86_64-w64-windows-gnu"

%struct.large = type { [3 x i32] }

@_ZL5table = internal global [4 x float] undef, align 16
@.str = private unnamed_addr constant [6 x i8] c"table\\00", align 1
@0 = private unnamed_addr constant [14 x i8] c"_ZL5scalePfxy\\00", align 1
@1 = private unnamed_addr constant [11 x i8] c"_Z4movehfP5\\00", align 1
@2 = private unnamed_addr constant [10 x i8] c"_ZL5table\\00", align 1
@3 = private constant [16 x i8] zeroinitializer, section ".nv_fatbin", align 8
@__cuda_fatbin_wrapper = internal constant { i32, i32, ptr, ptr } { i32 1180844977, i32 1, ptr @3, ptr null }, section ".nvFatBinSegment", align 8
@__cuda_gpubin_handle = internal global ptr null, align 8

define dso_local void @_Z4hostPf(ptr noundef %0) #0 {
  ret void
}

; Function Attrs: mustprogress noinline norecurse uwtable
define internal void @_ZL20__device_stub__scalePfxy(ptr noundef %0, i64 noundef %1, i64 noundef %2) #6 {
  ret void
}

define weak_odr dso_local void @"_Z19__device_stub__movehfP5"(i8 noundef zeroext %0, float noundef %1, ptr dead_on_return noundef %2) unnamed_addr #6 comdat {
  ret void
}

define internal void @__cuda_register_globals(ptr %0) {
  %2 = call i32 @__cudaRegisterFunction(ptr %0, ptr @_ZL20__device_stub__scalePfxy, ptr @0, ptr @0, i32 -1, ptr null, ptr null, ptr null, ptr null, ptr null)
  %3 = call i32 @__cudaRegisterFunction(ptr %0, ptr @"_Z19__device_stub__movehfP5", ptr @1, ptr @1, i32 -1, ptr null, ptr null, ptr null, ptr null, ptr null)
  call void @__cudaRegisterVar(ptr %0, ptr @_ZL5table, ptr @2, ptr @2, i32 0, i64 16, i32 1, i32 0)
  ret void
}
"""
KERNELS = {"_Z5scalePflm": (8, 8, 8), "_Z4movehfP5": (1, 4, 12)}
DEVICE = DeviceCode(kernels=KERNELS, variables={"table": 16, "of_the_device": 4})
CODE = Path("/somewhere/device.fatbin")


def changed(kernels: Mapping[str, tuple[int, ...]] | None = None, **variables: int) -> DeviceCode:
    return DeviceCode(kernels={**KERNELS, **(kernels or {})}, variables={**DEVICE.variables, **variables})


def test_the_host_part_says_what_it_registers() -> None:
    part = read_host_part(HOST)
    assert part.kernels == {"_ZL5scalePfxy": (None, 8, 8), "_Z4movehfP5": (1, 4, None)}
    assert part.variables == {"_ZL5table": 16}


def test_registered_names_become_those_of_nvcc() -> None:
    text = join(HOST, {"compute_75": DEVICE, "compute_90": DEVICE}, CODE)
    calls = [line.partition("(")[2].split(", ")[1:4] for line in text.splitlines() if " @__cudaRegister" in line]
    names = dict(line.split(" = ", 1) for line in text.splitlines() if line.startswith("@llamapack_name."))
    assert [(host, names[one.removeprefix("ptr ")], one == other) for host, one, other in calls] == [
        ("ptr @_ZL20__device_stub__scalePfxy", name("_Z5scalePflm"), True),
        ('ptr @"_Z19__device_stub__movehfP5"', name("_Z4movehfP5"), True),
        ("ptr @_ZL5table", name("table"), True),
    ]
    assert '@.str = private unnamed_addr constant [6 x i8] c"table\\00"' in text  # the source's own


def name(text: str) -> str:
    return f'private unnamed_addr constant [{len(text) + 1} x i8] c"{text}\\00", align 1'


def test_the_placeholder_becomes_the_device_code() -> None:
    text = join(HOST, {"compute_90": DEVICE}, CODE)
    (wrapper,) = (line for line in text.splitlines() if line.startswith("@__cuda_fatbin_wrapper"))
    assert "{ i32 1180844977, i32 1, ptr @llamapack_device_code, ptr null }" in wrapper
    assert "@3 = " not in text
    assert [line for line in text.splitlines() if line.startswith("module asm")] == [
        'module asm ".section .nv_fatbin,\\22dr\\22"',
        'module asm ".p2align 4"',
        'module asm "llamapack_device_code:"',
        'module asm ".incbin \\22/somewhere/device.fatbin\\22"',
    ]


def test_a_kernel_that_nvcc_does_not_have_is_an_error() -> None:
    other = DeviceCode(kernels={"_Z4movehfP5": (1, 4, 12)}, variables=DEVICE.variables)
    with pytest.raises(UnmatchedError, match=r"^These kernels of the host's part .*: scale\(float\*, long long, unsig"):
        join(HOST, {"compute_90": other}, CODE)


def test_a_kernel_that_the_host_does_not_start_is_an_error() -> None:
    with pytest.raises(UnmatchedError, match=r"lone\(\) \(_Z4lonev\)"):
        join(HOST, {"compute_90": changed({"_Z4lonev": ()})}, CODE)


def test_one_of_cub_that_nobody_starts_is_none() -> None:
    unused = "_ZN3cub17CUB_300001_SM_9006detail11EmptyKernelIvEEvv"
    assert unused not in join(HOST, {"compute_90": changed({unused: ()})}, CODE)


def test_architectures_that_differ_are_an_error() -> None:
    with pytest.raises(UnmatchedError, match=r"^The kernels of compute_75 and compute_90 differ: lone\(\)\.$"):
        join(HOST, {"compute_75": DEVICE, "compute_90": changed({"_Z4lonev": ()})}, CODE)
    with pytest.raises(UnmatchedError, match=r"^The kernels of compute_75 and compute_90 differ: _Z4movehfP5\.$"):
        join(HOST, {"compute_75": DEVICE, "compute_90": changed({"_Z4movehfP5": (1, 4, 8)})}, CODE)


@pytest.mark.parametrize("sizes", [(8, 8, 4), (8, 8), (8, 8, 8, 8)])
def test_parameters_of_another_size_are_an_error(sizes: tuple[int, ...]) -> None:
    with pytest.raises(ToolError) as caught:
        join(HOST, {"compute_90": changed({"_Z5scalePflm": sizes})}, CODE)
    assert f"parameters of an address, 8, 8 bytes on the host, {sizes} on the device" in caught.value.what


def test_a_variable_of_another_size_is_an_error() -> None:
    with pytest.raises(ToolError, match=r"table: 16 bytes on the host, 12 in compute_90\.\n"):
        join(HOST, {"compute_75": DEVICE, "compute_90": changed(table=12)}, CODE)


def test_a_variable_that_one_architecture_does_not_have_is_an_error() -> None:
    other = DeviceCode(kernels=KERNELS, variables={})
    with pytest.raises(ToolError, match=r"table: 16 bytes on the host, none in compute_90\.\n"):
        join(HOST, {"compute_75": DEVICE, "compute_90": other}, CODE)


def test_variables_that_the_host_does_not_know_may_differ() -> None:
    devices = {"compute_75": DEVICE, "compute_90": changed(of_the_device=8, __unnamed_1=40)}
    assert join(HOST, devices, CODE) == join(HOST, {"compute_75": DEVICE}, CODE)


def test_a_variable_that_the_device_does_not_have_is_an_error() -> None:
    with pytest.raises(UnmatchedError, match=r"^These variables .*: table \(_ZL5table\)"):
        join(HOST, {"compute_90": DeviceCode(kernels=KERNELS, variables={})}, CODE)


@pytest.mark.parametrize("what", ["ManagedVar", "Surface", "Texture"])
def test_what_is_not_joined_is_refused(what: str) -> None:
    with pytest.raises(ToolError, match=f"^The source has a {what}, "):
        read_host_part(HOST.replace("@__cudaRegisterVar(", f"@__cudaRegister{what}("))


def test_a_source_without_kernels_stays_as_it_is() -> None:
    text = "define dso_local void @_Z4hostPf(ptr noundef %0) #0 {\n  ret void\n}\n"
    assert join(text, {"compute_90": DeviceCode(kernels={}, variables={"of_the_device": 4})}, CODE) == text


def test_ir_of_another_form_is_refused() -> None:
    with pytest.raises(ToolError, match=r"^clang's host part registers no device code\."):
        join(HOST.replace("@__cuda_fatbin_wrapper =", "@__cuda_other ="), {"compute_90": DEVICE}, CODE)
    with pytest.raises(ToolError, match=r"is 'x86_mmx %0' in clang's host part"):
        read_host_part(HOST.replace("i8 noundef zeroext %0", "x86_mmx %0"))
