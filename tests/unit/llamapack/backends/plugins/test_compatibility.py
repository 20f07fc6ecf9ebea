"""Each compatibility check refuses by itself what the other three let through."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from llamapack._native.library import Abi
from llamapack.backends.contract import BackendPlugin
from llamapack.backends.plugins import compatibility
from llamapack.backends.plugins.compatibility import check_before_loading, check_exported_id
from llamapack.backends.verdicts import Fault, Status, Verdict

from tests.support.libraries.made_binaries import elf, pe

OURS = "8ee38a14"
AGAIN = 'python -m pip install --force-reinstall --no-deps "llamapack==0.4.0" "llamapack-vulkan==0.4.0"'


@pytest.fixture(autouse=True)
def core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compatibility, "read_abi", lambda: Abi(abi_id=OURS, llama_commit="0c1e", cpu_levels={}))
    monkeypatch.setattr(compatibility, "library_file_name", lambda stem: f"lib{stem}-{OURS}.so")
    monkeypatch.setattr(compatibility, "core_version", lambda: "0.4.0")


@pytest.fixture
def plugin(tmp_path: Path) -> BackendPlugin:
    """A plug-in that passes all layers."""
    library = tmp_path / "libggml-vulkan.so"
    library.write_bytes(elf(["libvulkan.so.1", f"libggml-base-{OURS}.so"]))
    return BackendPlugin(
        name="vulkan",
        package="llamapack-vulkan",
        version="0.4.0",
        library=library,
        abi_id=OURS,
        llama_commit="0c1e",
    )


def linked(plugin: BackendPlugin, *needed: str) -> BackendPlugin:
    plugin.library.write_bytes(elf(needed))
    return plugin


def said(verdict: Verdict | None) -> tuple[Status, Fault | None, str, str]:
    assert verdict is not None
    assert (verdict.name, verdict.package) == ("vulkan", "llamapack-vulkan")
    return verdict.status, verdict.fault, verdict.reason, verdict.remedy


def test_what_fits_passes_all_layers(plugin: BackendPlugin) -> None:
    assert check_before_loading(plugin) is None
    assert check_exported_id(plugin, OURS) is None


def test_a_post_release_of_a_plugin_belongs_to_the_core_it_is_named_after(plugin: BackendPlugin) -> None:
    assert check_before_loading(replace(plugin, version="0.4.0.post2")) is None
    verdict = check_before_loading(replace(plugin, version="0.4.1.post1"))
    assert verdict is not None
    assert verdict.fault is Fault.VERSION


def test_layer_1_compares_versions(plugin: BackendPlugin) -> None:
    assert said(check_before_loading(replace(plugin, version="0.3.0"))) == (
        Status.REFUSED,
        Fault.VERSION,
        "llamapack-vulkan 0.3.0 does not belong to llamapack 0.4.0; it is not used",
        'python -m pip install "llamapack-vulkan==0.4.0"',
    )


def test_layer_2_compares_descriptions(plugin: BackendPlugin) -> None:
    assert said(check_before_loading(replace(plugin, abi_id="5f2c91d0"))) == (
        Status.REFUSED,
        Fault.ABI_ID,
        "llamapack-vulkan 0.4.0 was built for ABI 5f2c91d0, but llamapack 0.4.0 has 8ee38a14; it is not used",
        AGAIN,
    )


@pytest.mark.parametrize(
    ("needed", "reason"),
    [
        (
            ["libggml-base-5f2c91d0.so"],
            "the library of llamapack-vulkan 0.4.0 was built for ABI 5f2c91d0, but llamapack 0.4.0 has 8ee38a14",
        ),
        (
            ["libggml-base.so.0"],
            "the library of llamapack-vulkan 0.4.0 is linked with libggml-base.so.0, which is nobody's in particular, "
            "and not with libggml-base-8ee38a14.so",
        ),
        (["libc.so.6"], "the library of llamapack-vulkan 0.4.0 is not linked with libggml-base-8ee38a14.so"),
    ],
)
def test_layer_3_compares_sonames(plugin: BackendPlugin, needed: list[str], reason: str) -> None:
    verdict = check_before_loading(linked(plugin, *needed))
    assert said(verdict) == (Status.REFUSED, Fault.SONAME, f"{reason}; it is not used", AGAIN)


def test_layer_3_reads_dlls_too(plugin: BackendPlugin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compatibility, "library_file_name", lambda stem: f"{stem}-{OURS}.dll")
    plugin.library.write_bytes(pe(["KERNEL32.dll", f"ggml-base-{OURS}.dll"]))
    assert check_before_loading(plugin) is None
    plugin.library.write_bytes(pe(["ggml-base-5f2c91d0.dll"]))
    assert said(check_before_loading(plugin))[1] is Fault.SONAME


def test_layer_3_refuses_what_it_cannot_read(plugin: BackendPlugin) -> None:
    plugin.library.write_bytes(b"\x7fELF")
    status, fault, reason, remedy = said(check_before_loading(plugin))
    assert (status, fault) == (Status.REFUSED, Fault.LOADING)
    assert reason.startswith("the library of llamapack-vulkan 0.4.0 cannot be read: ")
    assert remedy == "python -m pip install --force-reinstall llamapack-vulkan"


def test_layer_3_leaves_apples_format_to_the_system(plugin: BackendPlugin) -> None:
    plugin.library.write_bytes(b"\xcf\xfa\xed\xfe" + bytes(64))
    assert check_before_loading(plugin) is None


def test_layer_4_compares_what_the_loaded_library_says(plugin: BackendPlugin) -> None:
    assert said(check_exported_id(plugin, "5f2c91d0")) == (
        Status.REFUSED,
        Fault.EXPORTED_ID,
        "the loaded library of llamapack-vulkan 0.4.0 was built for ABI 5f2c91d0, but llamapack 0.4.0 has 8ee38a14; "
        "it is not used",
        AGAIN,
    )
    assert said(check_exported_id(plugin, None)) == (
        Status.REFUSED,
        Fault.MISSING_SYMBOL,
        "the library of llamapack-vulkan 0.4.0 has no symbol llamapack_backend_abi_id; it is not used",
        "python -m pip install --force-reinstall llamapack-vulkan",
    )


def test_a_core_of_unknown_version_is_said(plugin: BackendPlugin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compatibility, "core_version", lambda: "unknown")
    assert "does not belong to llamapack unknown" in said(check_before_loading(plugin))[2]
