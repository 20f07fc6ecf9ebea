"""A model in memory: weights, vocabulary and metadata."""

from __future__ import annotations

import ctypes
import logging
import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from llamapack import gguf
from llamapack._native import _generated as api
from llamapack._native.calls import running
from llamapack._native.library import encode_path, native, take_text
from llamapack._native.loading import LoadWatcher, Progress
from llamapack._native.log import captured_lines, reason_in
from llamapack._native.owner import Owner
from llamapack.backends.cpu import CpuChoice, load_cpu
from llamapack.errors import LlamapackError, ModelError, ModelFormatError
from llamapack.model.metadata import ModelMetadata
from llamapack.model.options import (
    LazyMode,
    LoadParams,
    ModelOptions,
    Override,
    check_overridden,
    check_overrides,
    native_params,
)
from llamapack.model.placement import GpuLayers, Offload, SplitMode, plan_offload
from llamapack.model.vocab import KnownTokens, Vocab

_ROPE_TYPES = {-1: "none", 0: "norm", 2: "neox", 8: "mrope", 40: "imrope", 24: "vision"}


class Model(Owner[api.llama_model_p]):
    """A GGUF model. Threads may share it.

    Close it, or use it in a `with` block, to free the memory at once; contexts made from it are closed with it.
    """

    _kind = "model"

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        use_mmap: bool | None = None,
        use_mlock: bool = False,
        use_direct_io: bool = False,
        lazy: LazyMode = "auto",
        vocab_only: bool = False,
        check_tensors: bool = False,
        use_extra_buffers: bool = True,
        backends: str | Sequence[str] | None = None,
        require_gpu: bool = False,
        devices: Sequence[str] | None = None,
        n_gpu_layers: GpuLayers = None,
        main_gpu: int = 0,
        split_mode: SplitMode = "layer",
        tensor_split: Sequence[float] | None = None,
        fit_n_ctx: int | None = None,
        fit_reserve: int | None = None,
        overrides: Mapping[str, Override] | None = None,
        cpu_level: str | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Load the model at `path`; for a model in several files, the path of the first.

        Reading: `use_mmap` maps the file into memory instead of reading it (default: if the devices can), `use_mlock`
        keeps it from being swapped out, `use_direct_io` bypasses the system's page cache. `lazy` reads rows of huge
        embedding tables only when they are needed. `vocab_only` does not load the weights. `check_tensors` searches
        them for invalid numbers. `use_extra_buffers` lets the CPU backend repack them for speed.

        Hardware: `backends` names the backends whose devices may be used, such as "vulkan" or ["cuda", "vulkan"].
        "auto" uses what works (the default, unless the variable LLAMAPACK_BACKENDS names backends), "cpu" uses no GPU.
        `devices` names devices instead, see `llamapack.devices`. A plug-in that cannot be used causes a BackendWarning;
        with `require_gpu`, the model is not loaded without a GPU. `cpu_level` names the CPU level, of which a process
        uses only one.

        Placement: `n_gpu_layers` is how many layers, including the output, go to the GPUs: "auto" (the default) puts
        all there, "fit" as many as fit into the free memory beside a context of `fit_n_ctx` tokens (default: 4096, or
        the model's context length) and `fit_reserve` bytes per device that stay free (default: 512 MiB). `split_mode`
        is how several devices share the model: by layer, by row, as one tensor-parallel device, or "none", which puts
        everything on GPU number `main_gpu`. `tensor_split` are the proportions. The attribute `offload` has the result.

        `overrides` replaces metadata by key; values must have the key's type. `progress` is called with the fraction
        loaded, from 0 to 1; if it returns False, loading stops with CancelledError.

        Raises ModelNotFoundError, ModelFormatError or ModelError for the file; CpuLevelError for `cpu_level`;
        BackendError for a backend that is not available, layers that do not fit, and a required GPU that does not
        exist; InputError for wrong arguments, such as an unknown device or an override without effect.
        """
        self.path = Path(path)
        self.header = gguf.check(self.path)
        self.cpu: CpuChoice = load_cpu(cpu_level)
        options = ModelOptions(
            use_mmap=use_mmap,
            use_mlock=use_mlock,
            use_direct_io=use_direct_io,
            lazy=lazy,
            vocab_only=vocab_only,
            check_tensors=check_tensors,
            use_extra_buffers=use_extra_buffers,
            backends=backends,
            require_gpu=require_gpu,
            devices=devices,
            n_gpu_layers=n_gpu_layers,
            main_gpu=main_gpu,
            split_mode=split_mode,
            tensor_split=tensor_split,
            fit_n_ctx=fit_n_ctx,
            fit_reserve=fit_reserve,
            overrides=dict(overrides or {}),
        )
        # without weights, no GPU is needed
        self.offload = Offload(pointers=()) if vocab_only else plan_offload(options, self.header, self.cpu.level.path)
        params = native_params(options, self.offload)
        super().__init__(_load(self.header, options, params, progress), native().llama_model_free)
        self.options = options
        self._known_tokens = KnownTokens.of(self)
        self._vocab: Callable[[], Vocab | None] = lambda: None

    @property
    def vocab(self) -> Vocab:
        """The vocabulary."""
        # Not stored: it refers to the model, and a reference cycle would delay freeing both.
        vocab = self._vocab()
        if vocab is None:
            vocab = Vocab(self, self._known_tokens)
            self._vocab = weakref.ref(vocab)
        return vocab

    @property
    def metadata(self) -> ModelMetadata:
        """The file's metadata without its arrays, as text by key."""
        return ModelMetadata(self)

    def chat_template(self, name: str | None = None) -> str | None:
        """Return the Jinja text of the model's chat template, or of the one called `name`; None if it has none."""
        if name is not None and (not name or "\0" in name):
            return None
        key = None if name is None else name.encode("utf-8", "surrogatepass")
        text = self.call(native().llama_model_chat_template, key)
        return None if text is None else text.decode("utf-8", "replace")

    @property
    def description(self) -> str:
        """Architecture, size and quantization as llama.cpp describes them, such as `llama 135M Q4_1`."""
        buffer = ctypes.create_string_buffer(256)
        self.call(native().llama_model_desc, buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace")

    @property
    def architecture(self) -> str:
        """The architecture's name in GGUF, such as `llama`."""
        return self.metadata["general.architecture"]

    @property
    def file_type(self) -> str:
        """The quantization of most tensors, such as `Q4_1`."""
        name = native().llama_ftype_name(self.call(native().llama_model_ftype))
        return (name or b"").decode()

    @property
    def n_ctx_train(self) -> int:
        """The context length, in tokens, that the model was trained with; a context with YaRN scaling adjusts it."""
        return self.call(native().llama_model_n_ctx_train)

    @property
    def n_vocab(self) -> int:
        """The number of tokens, and so of logits."""
        return len(self.vocab)

    @property
    def n_embd(self) -> int:
        """The width of its layers."""
        return self.call(native().llama_model_n_embd)

    @property
    def n_embd_inp(self) -> int:
        """The width of embeddings given instead of tokens."""
        return self.call(native().llama_model_n_embd_inp)

    @property
    def n_embd_out(self) -> int:
        """The width of embeddings in the output."""
        return self.call(native().llama_model_n_embd_out)

    @property
    def n_layer(self) -> int:
        """The number of layers."""
        return self.call(native().llama_model_n_layer)

    @property
    def n_head(self) -> int:
        """The number of attention heads of the first layer."""
        return self.call(native().llama_model_n_head)

    @property
    def n_head_kv(self) -> int:
        """The number of key and value heads of the first layer."""
        return self.call(native().llama_model_n_head_kv)

    @property
    def n_swa(self) -> int:
        """The size of the sliding attention window, in tokens; 0 if attention covers everything."""
        return self.call(native().llama_model_n_swa)

    @property
    def n_params(self) -> int:
        """The number of parameters."""
        return self.call(native().llama_model_n_params)

    @property
    def size(self) -> int:
        """The size of all tensors, in bytes."""
        return self.call(native().llama_model_size)

    @property
    def rope_type(self) -> str:
        """How positions are encoded: none (no RoPE), norm, neox, mrope, imrope or vision."""
        number = self.call(native().llama_model_rope_type)
        return _ROPE_TYPES.get(number, str(number))

    @property
    def rope_freq_scale_train(self) -> float:
        """The RoPE frequency scale that the model was trained with."""
        return self.call(native().llama_model_rope_freq_scale_train)

    @property
    def has_encoder(self) -> bool:
        """True if `Context.encode` must run before `Context.decode`, as in T5."""
        return self.call(native().llama_model_has_encoder)

    @property
    def has_decoder(self) -> bool:
        """True if the model decodes; False for a model with only an encoder."""
        return self.call(native().llama_model_has_decoder)

    @property
    def decoder_start_token(self) -> int | None:
        """The first token for the decoder of an encoder-decoder model; None for other models."""
        token = self.call(native().llama_model_decoder_start_token)
        return token if token >= 0 else None

    @property
    def is_recurrent(self) -> bool:
        """True for Mamba, RWKV and the like: their memory is a state from which no tokens can be removed."""
        return self.call(native().llama_model_is_recurrent)

    @property
    def is_hybrid(self) -> bool:
        """True if some layers are recurrent and others use attention."""
        return self.call(native().llama_model_is_hybrid)

    @property
    def is_diffusion(self) -> bool:
        """True if the model generates text by denoising, not token by token."""
        return self.call(native().llama_model_is_diffusion)

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels of a classifier's outputs, an empty text for one without a name; empty for other models."""
        if not self.facts.classifier:
            return ()
        count = self.call(native().llama_model_n_cls_out)
        labels = [self.call(native().llama_model_cls_label, index) for index in range(count)]
        return tuple((label or b"").decode("utf-8", "replace") for label in labels)

    @cached_property
    def facts(self) -> api.llamapack_model_facts:
        """For this package: properties of the model that llama.cpp knows and its C API does not tell."""
        facts = api.llamapack_model_facts()
        self.call(native().llamapack_model_facts_get, ctypes.byref(facts))
        return facts

    def __repr__(self) -> str:
        """Show the file and whether it is closed."""
        return f"<Model {str(self.path)!r}{' (closed)' if self.closed else ''}>"


def _load(header: gguf.Gguf, options: ModelOptions, params: LoadParams, progress: Progress | None) -> api.llama_model_p:
    path = header.paths[0]
    check_overridden(header, options.overrides)
    watcher = LoadWatcher(path, progress, float)
    # Always set: without a callback, llama.cpp prints dots. The callback's second argument is not used.
    callback = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_float)(watcher.answer)
    params.native.progress_callback = ctypes.cast(callback, api.llama_progress_callback)
    level = logging.INFO if options.overrides else logging.ERROR
    pointer, message = api.llama_model_p(), api.char_p()
    try:
        with captured_lines(level) as lines, running():
            native().llamapack_model_load(
                encode_path(path), ctypes.byref(params.native), ctypes.byref(pointer), ctypes.byref(message)
            )
        lines += take_text(message).splitlines()
        watcher.raise_if_stopped()
        if not pointer:
            raise _load_error(path, lines)
        check_overrides(options.overrides, lines)
    except BaseException:  # Ctrl-C may come after loading
        native().llama_model_free(pointer)
        raise
    return pointer


def _load_error(path: Path, lines: Sequence[str]) -> LlamapackError:
    why = reason_in(lines) or "llama.cpp gave no reason."
    kind = ModelError if "memory" in why or "allocate" in why else ModelFormatError
    fix = "Get the file again and compare its checksum; for a new architecture, try a newer llamapack."
    return kind(f"The model {path} cannot be loaded.", why=why, fix=fix if kind is ModelFormatError else "")
