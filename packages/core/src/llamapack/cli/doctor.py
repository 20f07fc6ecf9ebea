"""`llamapack doctor`: what is installed, what works, and how to fix the rest."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.table import Table

# The command's own statuses: 1 is every error that has no number of its own, 4 is hardware that cannot be used.
STATUS = {"healthy": 0, "broken": 1, "degraded": 4}
WIDTH = 120  # if the output is not a terminal


@click.command()
@click.option("--cpu", help="Examine this CPU level.  [variable LLAMAPACK_CPU]")
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    help="Also say which projector this model would have for images and audio, and whether it fits.",
)
@click.option(
    "--projector",
    type=click.Path(path_type=Path),
    help="The projector to examine.  [default: one beside the model]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON; docs/reference/doctor.md describes it.")
def doctor(cpu: str | None, model: Path | None, projector: Path | None, as_json: bool) -> None:
    """Examine the installation: CPU level, plug-ins, devices, and what would be chosen, with reasons and remedies.

    The plug-ins are tried in processes of their own, so a broken one harms nothing. The output can go into a bug
    report: it holds no secrets. Exit status: 0 healthy, 4 degraded (it runs, but a plug-in does not do its work), 1
    broken.
    """
    from dataclasses import asdict

    from llamapack.diagnostics.faults import recorded_faults
    from llamapack.diagnostics.report import gather, shortened

    if projector is not None and model is None:
        raise click.UsageError("--projector needs --model.")
    report = gather(cpu) | {"faults": [shortened(asdict(fault)) for fault in recorded_faults()]}
    if model is not None:
        report = add_projector(report, model, projector)
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        show(report)
    sys.stdout.flush()
    raise click.exceptions.Exit(STATUS[report["status"]])


def add_projector(report: dict[str, Any], model: Path, projector: Path | None) -> dict[str, Any]:
    """Add which projector a model would have, and a problem if that one cannot be used."""
    from dataclasses import asdict

    from llamapack import gguf
    from llamapack.diagnostics.report import DEGRADED, HEALTHY, shortened
    from llamapack.errors import LlamapackError
    from llamapack.llama.projectors import choose_projector
    from llamapack.model.projector_file import read_projector

    try:
        chosen = choose_projector(model, projector, shifts=False)
        takes = [] if chosen.path is None else [asdict(part) for part in read_projector(gguf.read(chosen.path)).parts]
    except LlamapackError as error:
        problem = {"what": error.what, "why": error.why, "fix": error.fix}
        status = DEGRADED if report["status"] == HEALTHY else report["status"]
        return report | {"problems": [*report["problems"], shortened(problem)], "status": status}
    file = None if chosen.path is None else str(chosen.path)
    found = {"model": str(model), "file": file, "reason": chosen.reason, "takes": takes}
    return report | {"projector": shortened(found)}


def show(report: dict[str, Any]) -> None:
    """Print the report as text."""
    from rich.console import Console

    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    click.echo("\n".join(_lines(report)))
    if report["backends"]:
        console.print(_backends(report))
    if devices := [device for backend in report["backends"] for device in backend["devices"]]:
        console.print(_devices(devices))
    click.echo("\n".join(_conclusion(report)))


def _lines(report: dict[str, Any]) -> list[str]:
    system, core, cpu = report["system"], report.get("core"), report.get("cpu")
    lines = []
    if core:
        lines.append(f"llamapack {core['version']}, llama.cpp {core['llama_cpp']}, ABI {core['abi_id']}")
    lines.append(f"Python {system['python']} on {system['platform']}{_place(system)}")
    if core:
        lines.append(f"libraries in {core['libraries']}")
    lines += [f"{each['name']} {each['version']}: {_files(each)}" for each in report["packages"]]
    lines += [f"GPU {gpu['pci_id']}: {_gpu(gpu)}" for gpu in system["gpus"]]
    if system["nvidia_driver"]:
        lines.append(f"NVIDIA driver {system['nvidia_driver']}, libcuda {system['cuda_library'] or 'not found'}")
    lines += [f"{name}={value}" for name, value in system["variables"].items()]
    if cpu:
        lines.append(f"CPU level {cpu['chosen']}: {cpu['reason']}; tried: {_tried(cpu['probe'])}")
    if threads := report.get("threads"):
        lines.append(f"threads: {threads['count']}, because: {threads['reason']}")
    return lines


def _files(package: dict[str, Any]) -> str:
    bill = f"bill of materials sha256:{package['sbom']}" if package["sbom"] else "no bill of materials"
    if not package["compared"]:
        return f"files not compared, {bill}"
    return f"files {'changed' if package['changed'] or package['missing'] else 'as installed'}, {bill}"


def _place(system: dict[str, Any]) -> str:
    return (f", in a container ({system['container']})" if system["container"] else "") + (
        ", in WSL" if system["wsl"] else ""
    )


def _gpu(gpu: dict[str, Any]) -> str:
    parts = [gpu["vendor"], gpu["name"], gpu["gfx"], f"driver {gpu['driver']}" if gpu["driver"] else "no driver"]
    return ", ".join(part for part in parts if part)


def _tried(probe: dict[str, Any]) -> str:
    return f"{probe['status']}{', ' + probe['reason'] if probe['reason'] else ''}"


def _table(*titles: str) -> Table:
    from rich.box import ASCII2, SIMPLE
    from rich.table import Table

    table = Table(box=SIMPLE if sys.stdout.isatty() else ASCII2, title_justify="left")
    for title in titles:
        table.add_column(title, overflow="fold")
    return table


def _backends(report: dict[str, Any]) -> Table:
    from rich.markup import escape

    table = _table("backend", "package", "verdict", "used", "why")
    for backend in report["backends"]:
        cells = [
            backend["name"],
            f"{backend['package']} {backend['version'] or ''}".strip(),
            backend["status"],
            "yes" if backend["used"] else "no",
            backend["reason"],
        ]
        table.add_row(*map(escape, cells))
    return table


def _devices(devices: list[dict[str, Any]]) -> Table:
    from rich.markup import escape

    table = _table("device", "what it is", "kind", "PCI id", "free / total", "used", "why")
    for device in devices:
        cells = [
            device["name"],
            ", ".join(filter(None, [device["description"], device["capability"], device["driver"]])),
            "software" if device["software"] else device["kind"],
            device["pci_id"] or "",
            f"{device['memory_free'] / 2**30:.1f} / {device['memory_total'] / 2**30:.1f} GiB",
            "yes" if device["used"] else "no",
            device["reason"],
        ]
        table.add_row(*map(escape, cells))
    return table


def _conclusion(report: dict[str, Any]) -> list[str]:
    lines = []
    if choice := report["choice"]:
        names = ", ".join(device["name"] for device in choice["devices"])
        lines.append(f"A model would run on {names or 'the CPU alone'}.")
        if not report["backends"]:
            lines.append("No backend plug-in is installed.")
    if found := report.get("projector"):
        takes = f" for {' and '.join(each['kind'] for each in found['takes'])}" if found["file"] else ""
        lines.append(f"The projector of {found['model']}: {found['file'] or 'none'}{takes}, because {found['reason']}.")
    lines += [each["meaning"] for each in report["foreign"]]
    for problem in report["problems"]:
        lines += ["", *(part for part in (problem["what"], problem["why"], problem["fix"]) if part)]
    said = "\n".join(lines)
    lines += [f"{each['time']}, {each['model']} in `llamapack serve`: {each['what']}" for each in report["faults"]]
    lines += [f"{each['name']}: {each['remedy']}" for each in report["backends"] if each["remedy"] not in said]
    return [*lines, "", report["status"]]
