"""`llamapack run`: answer one prompt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from llamapack.cli.images import answer_with_media
from llamapack.cli.parameters import MODEL, NAMED, hardware_options
from llamapack.cli.pieces import print_pieces
from llamapack.cli.progress import progress_bar
from llamapack.cli.standard_input import read_input

if TYPE_CHECKING:
    from llamapack.generation import Generation
    from llamapack.model import Model
    from llamapack.model.placement import GpuLayers


@click.command()
@click.argument("prompt", required=False)
@click.option("-m", "--model", "reference", type=MODEL, required=True, help=NAMED)
@click.option(
    "--image",
    "images",
    type=click.Path(path_type=Path),
    multiple=True,
    help="An image that the prompt is about; may be given several times.",
)
@click.option(
    "--audio",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Audio that the prompt is about; may be given several times.",
)
@click.option(
    "--projector",
    type=click.Path(path_type=Path),
    help="The file that makes tokens of images and audio.  [default: the one beside the model]",
)
@click.option("--raw", is_flag=True, help="Continue the prompt as it is instead of answering it as a chat.")
@click.option("-s", "--system", help="The system message of the chat.")
@click.option("--no-thinking", is_flag=True, help="Turn thinking off, if the model's chat template can do that.")
@click.option("-n", "--max-tokens", type=int, help="Stop after so many tokens.  [default: no limit but the context]")
@click.option("--stop", multiple=True, help="Stop before this text; may be given several times.")
@click.option("--temp", default=0.8, show_default=True, help="0 always takes the likeliest token.")
@click.option("--top-k", default=40, show_default=True, help="Keep the k likeliest tokens; 0 keeps all.")
@click.option("--top-p", default=0.95, show_default=True, help="Keep the likeliest tokens that together reach p.")
@click.option(
    "--min-p",
    default=0.05,
    show_default=True,
    help="Keep tokens at least p times as likely as the likeliest.",
)
@click.option("--seed", type=int, help="Make the choices repeatable.  [default: random]")
@click.option("-c", "--ctx-size", type=int, help="Context size in tokens.  [default: 4096 or what the model has]")
@hardware_options
@click.option("--gpu-layers", default="auto", show_default=True, help="Layers on the GPUs: a number, `auto` or `fit`.")
@click.option("-q", "--quiet", is_flag=True, help="Leave out the line at the end.")
def run(
    prompt: str | None,
    reference: str,
    images: tuple[Path, ...],
    audio: tuple[Path, ...],
    projector: Path | None,
    raw: bool,
    system: str | None,
    no_thinking: bool,
    max_tokens: int | None,
    stop: tuple[str, ...],
    temp: float,
    top_k: int,
    top_p: float,
    min_p: float,
    seed: int | None,
    ctx_size: int | None,
    threads: int | None,
    cpu: str | None,
    backends: str | None,
    devices: tuple[str, ...],
    require_gpu: bool,
    gpu_layers: str,
    quiet: bool,
) -> None:
    """Answer PROMPT, streaming; without PROMPT, or with `-`, standard input is the prompt.

    The answer goes to standard output; the last line, with the CPU level, threads and tokens per second, to standard
    error.
    """
    from llamapack.generation import generate
    from llamapack.model import Model
    from llamapack.model.finding import find_model

    text = _prompt(prompt)
    sampling = {"temperature": temp, "top_k": top_k, "top_p": top_p, "min_p": min_p, "seed": seed}
    layers = _layers(gpu_layers)
    if images or audio or projector is not None:
        hardware = {"backends": backends, "devices": devices or None, "require_gpu": require_gpu, "cpu_level": cpu}
        thinking = {} if raw else {"thinking": False if no_thinking else None, "system": system}
        answer_with_media(
            text,
            reference,
            projector=projector,
            images=images,
            audio=audio,
            raw=raw,
            loading={
                **hardware,
                "ctx_size": ctx_size or 4096,
                "threads": threads,
                "gpu_layers": layers if isinstance(layers, int) else None,
            },
            asking={**sampling, **thinking, "max_tokens": max_tokens, "stop": stop},
            quiet=quiet,
        )
        return
    model_path = find_model(reference, projector=False).path
    with progress_bar(f"Loading {model_path.name}") as step:
        loaded = Model(
            model_path,
            cpu_level=cpu,
            backends=backends,
            devices=devices or None,
            require_gpu=require_gpu,
            n_gpu_layers=layers,
            fit_n_ctx=ctx_size if gpu_layers == "fit" else None,
            progress=lambda part: step(round(part * 100), 100, ""),
        )
    with loaded as model:
        generation = generate(
            model,
            text,
            chat=not raw,
            system=system,
            enable_thinking=False if no_thinking else None,
            max_tokens=max_tokens,
            stop=stop,
            temperature=temp,
            top_k=top_k,
            top_p=top_p,
            min_p=min_p,
            seed=seed,
            n_ctx=ctx_size,
            n_threads=threads,
        )
        n_threads = generation.context.n_threads
        print_pieces(generation, None if quiet else lambda: summary(generation, model, n_threads))


def _layers(text: str) -> GpuLayers:
    if text in ("auto", "fit"):
        return "fit" if text == "fit" else "auto"
    try:
        return int(text)
    except ValueError:
        raise click.UsageError(f"--gpu-layers must be a number, `auto` or `fit`, not {text!r}.") from None


def _prompt(prompt: str | None) -> str:
    if prompt is not None and prompt != "-":
        return prompt
    return read_input("PROMPT", given=prompt is not None).decode("utf-8", "surrogateescape")


def summary(generation: Generation, model: Model, threads: int) -> str:
    """Return one line with the CPU level, the devices, the threads and the speed."""
    timing, offload = generation.timing, model.offload
    names = ", ".join(device.name for device in offload.devices)
    placed = f"{_count(offload.n_gpu_layers or 0, 'layer')} on {names}; " if names else ""
    return (
        f"[cpu {model.cpu.level.name}, {_count(threads, 'thread')}; {placed}"
        f"prompt {_tokens(timing.prompt_tokens)}{_rate(timing.prompt_rate)}; "
        f"generated {_tokens(timing.generated_tokens)}{_rate(timing.generated_rate)}]"
    )


def _tokens(count: int) -> str:
    return _count(count, "token")


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count != 1 else ''}"


def _rate(rate: float) -> str:
    return f", {rate:.1f} tokens/s" if rate else ""
