"""Explain from facts of the machine why a backend finds no device, and how to fix it; one rule after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from llamapack.backends.contract import Target
from llamapack.backends.host.architectures import describe_targets, nearest_override, parse_gfx, runs
from llamapack.backends.host.facts import HostFacts, Node
from llamapack.backends.host.rocm import effective_gfx, has_no_kernels
from llamapack.backends.host.visible_devices import hides_all, visible_gpus
from llamapack.backends.verdicts import Versions
from llamapack.backends.versions import is_older, parse_version


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """A reason, and what to do about it."""

    reason: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a plug-in requires of the machine."""

    targets: tuple[Target, ...] = ()
    driver_floor: str | None = None
    toolkit: str | None = None
    versions: Versions | None = None  # those that its probe found


def explain_no_device(backend: str, needs: Needs, host: HostFacts, said: str = "") -> Diagnosis:
    """Return why `backend` finds no device here: by the first rule that applies, or what its probe `said`."""
    setting = hides_all(backend, host.variables)
    if setting:
        return Diagnosis(reason=f"{setting} hides every device.", remedy=f"Unset {setting.partition('=')[0]}.")
    rules = _RULES.get(backend)
    found = next(rules(needs, host), None) if rules else None
    return found or Diagnosis(
        reason=said or "It finds no device, and the system shows no reason.", remedy="Run: llamapack doctor"
    )


def _cuda(needs: Needs, host: HostFacts) -> Iterator[Diagnosis]:
    if host.system == "darwin":
        yield Diagnosis(reason="CUDA does not exist on macOS.", remedy="Use the metal backend.")
    if host.wsl:
        yield from _cuda_in_wsl(needs, host)
        return
    gpus = host.of_vendor("nvidia")
    if host.system == "linux" and host.nvidia_driver is None:
        yield from _no_nvidia_driver(host)
    if host.nvidia_driver and not host.nvidia_nodes:
        yield _no_nvidia_nodes(host)
    yield from _denied_nodes(host.nvidia_nodes, host)
    yield from _nvidia_versions(needs, host)
    selection = visible_gpus("nvidia", host)
    if selection and selection.problem:
        value = host.variables.get("CUDA_VISIBLE_DEVICES")
        yield Diagnosis(
            reason=f"CUDA_VISIBLE_DEVICES={value} hides every device: {selection.problem}.",
            remedy=f"Name one of: {', '.join(gpu.uuid or gpu.pci_id for gpu in gpus)}.",
        )
    if host.nvidia_nodes and gpus:
        yield Diagnosis(
            reason="NVIDIA's driver lets CUDA use no device. A GPU in MIG mode has none until it is divided.",
            remedy="Run nvidia-smi. With MIG: nvidia-smi mig -lgip, then nvidia-smi mig -cgi <profile> -C.",
        )


_NO_DXG = "There is no /dev/dxg: this is WSL 1, or Windows has no driver that shares its GPU."


def _cuda_in_wsl(needs: Needs, host: HostFacts) -> Iterator[Diagnosis]:
    if host.dxg is None:
        yield Diagnosis(
            reason=_NO_DXG,
            remedy="In Windows, update NVIDIA's driver and run: wsl --update",
        )
    if host.cuda_library is None:
        yield Diagnosis(
            reason="There is no libcuda in /usr/lib/wsl/lib, where Windows' driver puts it.",
            remedy="Update NVIDIA's driver in Windows; install none inside WSL.",
        )
    if parse_version(host.cuda_library or ""):
        yield Diagnosis(
            reason=f"A Linux driver ({host.cuda_library}) is installed inside WSL and hides Windows' own.",
            remedy="Remove it: WSL uses the driver of Windows.",
        )


def _no_nvidia_driver(host: HostFacts) -> Iterator[Diagnosis]:
    gpus = host.of_vendor("nvidia")
    if not gpus:
        what = "This machine has no NVIDIA GPU and no NVIDIA driver."
        yield Diagnosis(reason=what, remedy="Install the plug-in for the GPU it has.")
        return
    other = next((gpu for gpu in gpus if gpu.driver and gpu.driver != "nvidia"), None)
    where = " on the host" if host.container else ""
    reason = f"The GPU {gpus[0].pci_id or gpus[0].name} is there, but NVIDIA's driver is not loaded{where}."
    if other:
        reason = f"The GPU {other.pci_id or other.name} is driven by {other.driver}, not by NVIDIA's driver."
    yield Diagnosis(reason=reason, remedy=f"Install NVIDIA's driver{where}.")


def _no_nvidia_nodes(host: HostFacts) -> Diagnosis:
    if host.container:
        return Diagnosis(
            reason=f"NVIDIA's driver {host.nvidia_driver} is there, but this container was given no device.",
            remedy=_CONTAINER_CUDA.get(host.container, _CONTAINER_CUDA["docker"]),
        )
    return Diagnosis(
        reason=f"NVIDIA's driver {host.nvidia_driver} is loaded, but there is no /dev/nvidia0.",
        remedy="Run once, as root: nvidia-modprobe -u -c 0",
    )


_CONTAINER_CUDA = {
    "docker": "Start the container with: --gpus all",
    "podman": "Start the container with: --device nvidia.com/gpu=all",
    "kubernetes": "Ask for the resource nvidia.com/gpu in the pod.",
}


def _nvidia_versions(needs: Needs, host: HostFacts) -> Iterator[Diagnosis]:
    if host.nvidia_driver is None and needs.versions:  # the system does not tell, as Windows
        if not needs.versions.driver and host.gpus_are_known:
            yield from _no_nvidia_driver(host)
        elif not needs.versions.driver:
            yield Diagnosis(reason="There is no NVIDIA driver.", remedy="Install NVIDIA's driver.")
        elif _is_of_an_older_major(needs.versions.driver, needs.toolkit):
            yield too_old("", needs)
    if is_older(host.nvidia_driver, needs.driver_floor):
        yield too_old(host.nvidia_driver or "", needs)
    if host.nvidia_driver and host.system == "linux":
        if host.cuda_library is None:
            yield Diagnosis(
                reason=f"NVIDIA's driver {host.nvidia_driver} is loaded, but its library libcuda is not here.",
                remedy="Start the container with NVIDIA_DRIVER_CAPABILITIES=compute,utility."
                if host.container
                else "Install the part of the driver for computing, such as libcuda1.",
            )
        elif parse_version(host.cuda_library) and parse_version(host.cuda_library) != parse_version(host.nvidia_driver):
            yield Diagnosis(
                reason=f"The kernel runs NVIDIA's driver {host.nvidia_driver}, but its libraries are of "
                f"{host.cuda_library}.",
                remedy="Restart the container." if host.container else "Reboot: an update is half done.",
            )


def too_old(driver: str, needs: Needs) -> Diagnosis:
    """Return that the driver is older than the plug-in requires; `driver` is empty if its version is unknown."""
    fit = f": {needs.versions.explain(needs.toolkit)}" if needs.versions else ""
    return Diagnosis(
        reason=f"The driver{f' {driver}' if driver else ''} is older than {needs.driver_floor}, which this plug-in "
        f"needs{fit}.",
        remedy=f"Update the driver to {needs.driver_floor} or newer.",
    )


def _is_of_an_older_major(version: str, other: str | None) -> bool:
    """Return whether `version` is of an older major version: a driver serves all runtimes of its own and older ones."""
    have, need = parse_version(version), parse_version(other or "")
    return have is not None and need is not None and have[0] < need[0]


def _rocm(needs: Needs, host: HostFacts) -> Iterator[Diagnosis]:
    gpus = host.of_vendor("amd")
    if host.gpus_are_known and not gpus and not host.wsl:
        yield Diagnosis(reason="This machine has no AMD GPU.", remedy="Install the plug-in for the GPU it has.")
    if host.system != "linux":
        return
    if host.wsl:
        if host.dxg is None:
            yield Diagnosis(reason=_NO_DXG, remedy="In Windows, update AMD's driver and run: wsl --update")
        return
    if host.kfd is None:
        yield _no_kfd(host)
    nodes = (*((host.kfd,) if host.kfd else ()), *host.render_nodes)
    yield from _denied_nodes(nodes, host)
    if not host.render_nodes and host.kfd:
        yield Diagnosis(reason="There is no /dev/dri/renderD*.", remedy=_CONTAINER_ROCM if host.container else "")
    for gpu in gpus:
        gfx = effective_gfx(gpu, host)
        if gfx and not runs(gfx, needs.targets):
            yield no_code(gfx, needs.targets)
        if gfx and has_no_kernels(gfx, host.rocm_kernels):
            yield no_kernels(gfx, needs.targets, host.rocm_kernels)


_CONTAINER_ROCM = "Start the container with: --device /dev/kfd --device /dev/dri --group-add video --group-add render"


def _no_kfd(host: HostFacts) -> Diagnosis:
    if host.container:
        return Diagnosis(reason="This container was not given /dev/kfd.", remedy=_CONTAINER_ROCM)
    return Diagnosis(
        reason="There is no /dev/kfd: the kernel module amdgpu is not loaded, or its compute part is off.",
        remedy="Run, as root: modprobe amdgpu",
    )


def no_code(capability: str, targets: Sequence[Target]) -> Diagnosis:
    """Return that the plug-in has no code for the device; for AMD, with an override that people use."""
    is_gfx = parse_gfx(capability) is not None
    override = nearest_override(capability, targets) if is_gfx else None
    return Diagnosis(
        reason=f"The plug-in has no code for {'' if is_gfx else 'compute capability '}{capability.partition(':')[0]}, "
        f"but for {describe_targets(targets)}.",
        remedy=f"It may run, though AMD does not support it, with HSA_OVERRIDE_GFX_VERSION={override}."
        if override
        else "Use the vulkan backend for this GPU.",
    )


def no_kernels(gfx: str, targets: Sequence[Target], kernels: frozenset[str] | None) -> Diagnosis:
    """Return that rocBLAS would end the process on the device, with an override that people use."""
    both = [target for target in targets if target.name in (kernels or ())]
    override = nearest_override(gfx, both)
    return Diagnosis(
        reason=f"rocBLAS has no kernels for {gfx.partition(':')[0]} and would end the process on it; "
        f"it has some for {', '.join(sorted(kernels or ()))}.",
        remedy=f"It may run, though AMD does not support it, with HSA_OVERRIDE_GFX_VERSION={override}."
        if override
        else "Install a ROCm whose rocBLAS has them, or use the vulkan backend for this GPU.",
    )


def _vulkan(_: Needs, host: HostFacts) -> Iterator[Diagnosis]:
    if host.system != "linux":
        return
    if not host.vulkan_drivers:
        yield Diagnosis(
            reason="No Vulkan driver is installed: there is no file in /usr/share/vulkan/icd.d.",
            remedy="Start the container with NVIDIA_DRIVER_CAPABILITIES=all, or install mesa-vulkan-drivers in it."
            if host.container
            else "Install the Vulkan driver of the GPU, such as mesa-vulkan-drivers.",
        )
    if host.gpus and not host.render_nodes and not host.dxg:
        yield Diagnosis(
            reason="There is a GPU, but no /dev/dri/renderD* to reach it by.",
            remedy="Start the container with: --device /dev/dri" if host.container else "Load the GPU's kernel module.",
        )
    yield from _denied_nodes(host.render_nodes, host)
    if not host.gpus and not host.dxg:
        yield Diagnosis(
            reason="This machine has no GPU. Vulkan's software device is used only if it is asked for.",
            remedy='To try it: GGML_VK_VISIBLE_DEVICES=0 and backends="vulkan".',
        )


def _metal(_: Needs, host: HostFacts) -> Iterator[Diagnosis]:
    if host.system != "darwin":
        yield Diagnosis(reason="Metal exists on macOS only.")
    elif host.machine != "arm64":
        yield Diagnosis(
            reason=f"The plug-in is for Apple silicon, and this Python is for {host.machine}.",
            remedy="On Apple silicon, use a Python for arm64, not one under Rosetta.",
        )


def _denied_nodes(nodes: Sequence[Node], host: HostFacts) -> Iterator[Diagnosis]:
    """Return the device files that this user may not use; of the render nodes, one that may be used is enough."""
    render = [node for node in nodes if node.path.startswith("/dev/dri/")]
    denied = [node for node in nodes if not node.allowed and node not in render]
    if not any(node.allowed for node in render):
        denied += render
    if denied:
        groups = list(dict.fromkeys(node.group for node in denied if node.group not in ("", "root")))
        paths = ", ".join(node.path for node in denied)
        yield Diagnosis(reason=f"This user may not use {paths}.", remedy=_permission(groups, host))


def _permission(groups: Sequence[str], host: HostFacts) -> str:
    if not groups:
        return "Ask the administrator for the right to use it."
    if host.container:
        return f"Start the container with: {' '.join(f'--group-add {group}' for group in groups)}"
    return f'Run: sudo usermod -a -G {",".join(groups)} "$USER", then log in again.'


_RULES: dict[str, Callable[[Needs, HostFacts], Iterator[Diagnosis]]] = {
    "cuda": _cuda,
    "rocm": _rocm,
    "vulkan": _vulkan,
    "metal": _metal,
}
