"""Which of the devices that Windows lists are GPUs, and how they are told."""

from __future__ import annotations

import sys

import pytest
from llamapack.backends.host import facts, windows_gpus
from llamapack.backends.host.gpus import HostGpu
from llamapack.backends.host.windows_gpus import PciDevice, gpus_among, list_windows_gpus


def ids(vendor: str, kind: str) -> tuple[str, ...]:
    start = f"PCI\\VEN_{vendor}&DEV_2684"
    return (f"{start}&SUBSYS_16F110DE&REV_A1", f"{start}&CC_{kind}00", f"{start}&CC_{kind}", "")


RTX = PciDevice(
    hardware=ids("10DE", "0300"),
    name="NVIDIA GeForce RTX 4090",
    service="nvlddmkm",
    kind="Display",
    bus=0x101,
    address=0x30001,
)


def test_a_gpu_has_its_place_and_its_driver() -> None:
    assert gpus_among([RTX]) == (
        HostGpu(pci_id="0001:01:03.1", vendor="nvidia", driver="nvidia", name="NVIDIA GeForce RTX 4090"),
    )


@pytest.mark.parametrize(
    ("device", "vendor"),
    [
        (PciDevice(hardware=ids("10DE", "0302")), "nvidia"),
        (PciDevice(hardware=ids("10de", "0300"), service="BasicDisplay", kind="Display"), "nvidia"),
        (PciDevice(hardware=ids("8086", "0380")), "intel"),
        (PciDevice(hardware=ids("1002", "1200")), "amd"),
        (PciDevice(hardware=("PCI\\VEN_0000&DEV_0000&SUBSYS_00000000&REV_00",), kind="Display"), "other"),
        (PciDevice(hardware=ids("10DE", "0403"), kind="MEDIA"), None),
        (PciDevice(hardware=ids("8086", "1200")), None),
        (PciDevice(hardware=("",)), None),
    ],
    ids=["3d", "without-driver", "intel", "instinct", "wine", "sound", "another-accelerator", "nothing"],
)
def test_the_class_of_a_device_says_whether_it_is_a_gpu(device: PciDevice, vendor: str | None) -> None:
    assert [gpu.vendor for gpu in gpus_among([device])] == ([vendor] if vendor else [])


def test_gpus_are_in_the_order_of_their_places() -> None:
    others = [
        PciDevice(hardware=ids("8086", "0300"), bus=0, address=0x20000),
        PciDevice(hardware=ids("1002", "0300"), name="somewhere"),
    ]
    assert [gpu.pci_id for gpu in gpus_among([RTX, *others])] == ["", "0000:00:02.0", "0001:01:03.1"]


def test_facts_of_windows_have_the_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows_gpus, "list_windows_gpus", lambda: gpus_among([RTX]))
    found = facts.read_host(system="win32", machine="AMD64", environment={"CUDA_VISIBLE_DEVICES": "0"})
    assert (len(found.gpus), found.gpus_are_known, found.variables) == (1, True, {"CUDA_VISIBLE_DEVICES": "0"})


def test_gpus_that_are_not_listed_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows_gpus, "list_windows_gpus", lambda: None)
    found = facts.read_host(system="win32", machine="AMD64", environment={})
    assert (found.gpus, found.gpus_are_known) == ((), False)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has the library that lists them")
def test_without_the_systems_library_nothing_is_known() -> None:
    assert list_windows_gpus() is None


@pytest.mark.skipif(sys.platform != "win32", reason="needs the library of Windows that lists them")
def test_this_windows_lists_its_devices() -> None:
    assert list_windows_gpus() is not None
