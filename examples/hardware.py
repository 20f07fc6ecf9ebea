"""Use a GPU if there is one, and say what was chosen and why: python examples/hardware.py MODEL."""

import sys

import llamapack

for device in llamapack.devices():
    print(f"{device.name}: {device.description}, {device.memory_free >> 20} MiB free")

with llamapack.Model(sys.argv[1], n_gpu_layers="fit", fit_n_ctx=2048) as model:
    offload = model.offload
    names = ", ".join(device.name for device in offload.devices) or "the CPU alone"
    print(f"{offload.n_gpu_layers} layers on {names}")
    for decision in offload.choice.backends:
        print(f"{decision.name}: {decision.reason}")
