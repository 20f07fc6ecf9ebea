"""Choosing hardware where no plug-in is installed: the CPU, without a word, unless a GPU was asked for."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

import llamapack
import pytest
from llamapack.backends import in_use
from llamapack.backends.cpu import cpu_levels
from llamapack.backends.plugins.entry_points import installed_plugins
from llamapack.diagnostics.report import gather
from llamapack.errors import BackendError, BackendWarning, InputError

from tests.support.children import command, python
from tests.support.report_keys import undocumented

pytestmark = pytest.mark.skipif(bool(installed_plugins()), reason="a plug-in is installed in this environment")


@pytest.mark.parametrize(
    "options",
    [{}, {"backends": "auto"}, {"backends": "cpu"}, {"backends": []}, {"devices": []}, {"n_gpu_layers": "fit"}],
)
def test_the_cpu_is_used_without_a_word(model_path: Path, options: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with llamapack.Model(model_path, **options) as model:
            assert (model.offload.devices, model.offload.choice.backends) == ((), ())


def test_layers_asked_for_by_number_are_missed_aloud_and_once(
    model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_use, "_warned", set())
    with (
        pytest.warns(BackendWarning, match=r"^n_gpu_layers=20 has no effect: no GPU is used") as caught,
        llamapack.Model(model_path, n_gpu_layers=20),
        llamapack.Model(model_path, n_gpu_layers=20),
    ):
        pass
    assert len(caught) == 1
    assert "python -m pip install" in str(caught[0].message)
    assert caught[0].filename == __file__


REFUSED = [
    ({"require_gpu": True}, BackendError, "No GPU can be used, and require_gpu asks for one."),
    ({"backends": "vulkan"}, BackendError, "The backend 'vulkan' (backends) is not installed."),
    ({"backends": ["cuda", "vulcan"]}, BackendError, "The backend 'cuda' (backends) is not installed."),
    ({"backends": "vulcan"}, BackendError, "There is no backend 'vulcan' (backends)."),
    ({"devices": ["CUDA0"]}, InputError, "There is no device 'CUDA0'."),
    ({"devices": "CPU"}, InputError, "devices must be a list of names, not 'CPU'."),
    ({"n_gpu_layers": "all"}, InputError, "n_gpu_layers must be a number, 'auto' or 'fit', not 'all'."),
    ({"n_gpu_layers": -2}, InputError, "n_gpu_layers must be a whole number from -1 to 2147483647, not -2."),
    ({"n_gpu_layers": 0, "require_gpu": True}, InputError, "require_gpu cannot be combined with n_gpu_layers=0."),
    ({"backends": "cpu", "require_gpu": True}, InputError, "require_gpu cannot be combined with backends='cpu'."),
    ({"main_gpu": 1}, InputError, "There is no GPU 1: 0 can be used."),
    ({"split_mode": "tensor"}, InputError, 'split_mode="tensor" needs a GPU.'),
]


@pytest.mark.parametrize(("options", "kind", "message"), REFUSED)
def test_what_cannot_be_had_is_refused(
    model_path: Path, options: dict[str, Any], kind: type[llamapack.LlamapackError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        llamapack.Model(model_path, **options)
    assert caught.value.what == message


def test_the_variable_is_asked_where_nothing_is_named(model_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMAPACK_BACKENDS", "cuda")
    with pytest.raises(BackendError, match=r"'cuda' \(LLAMAPACK_BACKENDS\) is not installed"):
        llamapack.Model(model_path)
    with llamapack.Model(model_path, backends="cpu"), llamapack.Model(model_path, vocab_only=True):
        pass


def test_devices_are_the_cpus() -> None:
    assert [device.kind for device in llamapack.devices()] == ["cpu"]


def test_the_machinery_of_plugins_is_not_even_imported(model_path: Path) -> None:
    code = (
        "import sys, llamapack\n"
        "llamapack.Model(sys.argv[1]).close()\n"
        "late = ('llamapack.backends.plugin_loader', 'llamapack.backends.selection.select')\n"
        "print([name for name in sys.modules if name in late])"
    )
    assert python(code, model_path).out == "[]\n"


def test_doctor_finds_the_core_healthy() -> None:
    answer = command("doctor", "--json")
    assert (answer.status, answer.err) == (0, "")
    report = json.loads(answer.out)
    assert (report["status"], report["problems"], report["backends"], report["foreign"]) == ("healthy", [], [], [])
    assert report["choice"] == {"devices": [], "cpu_only": True}
    assert report["cpu"]["probe"]["status"] == "usable"
    assert {level["name"] for level in report["cpu"]["levels"]} == {level.name for level in cpu_levels()}
    assert len(report["core"]["loaded"]) == 4  # ggml-base, ggml, llamapack and the level
    assert report["schema"] == 1
    assert undocumented(report) == set()


def test_doctor_speaks_to_people(tmp_path: Path) -> None:
    answer = command("doctor", HOME=str(tmp_path))
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.endswith("A model would run on the CPU alone.\nNo backend plug-in is installed.\n\nhealthy\n")
    assert re.search(r"^CPU level \w+: .*; tried: usable$", answer.out, re.MULTILINE)


def test_doctor_reports_a_level_that_is_not_there() -> None:
    answer = command("doctor", "--cpu", "pentium")
    assert answer.status == 1
    assert "There is no CPU level 'pentium' (the argument)." in answer.out
    assert answer.out.endswith("\nbroken\n")


def test_doctor_names_a_variable_that_names_nothing() -> None:
    answer = command("doctor", LLAMAPACK_BACKENDS="vulcan")
    assert answer.status == 4
    assert "There is no backend 'vulcan' (LLAMAPACK_BACKENDS).\nDid you mean 'vulkan'?" in answer.out


def test_the_report_is_made_in_process_too() -> None:
    assert gather()["status"] == "healthy"
