"""What Vulkan's loader says of a device finds the device of ggml that it is about."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest
from llamapack.backends.probing import _vulkan_facts as facts

GPU = "NVIDIA GeForce RTX 4090"


def device(description: str, pci_id: str | None) -> dict[str, Any]:
    return {"name": "Vulkan0", "description": description, "pci_id": pci_id}


def known(name: str, pci_id: str | None, number: int) -> dict[str, Any]:
    return {"name": name, "pci_id": pci_id, "uuid": str(number), "driver": f"580.{number}"}


def test_devices_are_matched_by_bus_and_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    said = [known(GPU, "0000:41:00.0", 1), known(GPU, "0000:01:00.0", 2), known("llvmpipe", None, 3)]
    said += [known("Other", None, 4), known("Other", None, 5)]
    monkeypatch.setattr(facts, "_physical_devices", lambda vulkan: said)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: None)
    found = [device(GPU, "0000:01:00.0"), device("Other", None), device("Other", None), device("Other", None)]
    facts.add_vulkan_facts(found)
    assert [each.get("uuid") for each in found] == ["2", "4", "5", None]
    assert found[0]["driver"] == "580.2"


def test_without_a_loader_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "_LIBRARIES", dict.fromkeys(("linux", "win32", "darwin"), "libabsent.so"))
    found = [device(GPU, None)]
    facts.add_vulkan_facts(found)
    assert found == [device(GPU, None)]
