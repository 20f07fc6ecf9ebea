"""What the caller asks for, read from the arguments and the environment."""

from __future__ import annotations

import pytest
from llamapack.backends.selection.request import Request, read_request
from llamapack.errors import InputError


@pytest.mark.parametrize(
    ("backends", "variable", "names", "source"),
    [
        (None, None, None, "backends"),
        ("auto", "vulkan", None, "backends"),
        (None, "vulkan, cuda", ("vulkan", "cuda"), "LLAMAPACK_BACKENDS"),
        (None, "", None, "backends"),
        (None, "  ", None, "backends"),
        (None, "auto", None, "LLAMAPACK_BACKENDS"),
        ("CPU", None, (), "backends"),
        ([], None, (), "backends"),
        (["vulkan", "cpu", "vulkan"], "cuda", ("vulkan",), "backends"),
    ],
)
def test_the_argument_goes_before_the_variable(
    backends: str | list[str] | None, variable: str | None, names: tuple[str, ...] | None, source: str
) -> None:
    environment = {} if variable is None else {"LLAMAPACK_BACKENDS": variable}
    request = read_request(backends, None, False, environment)
    assert (request.backends, request.source) == (names, source)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("auto,cuda", None, False), "backends='auto,cuda' mixes \"auto\" with names."),
        (("", None, False), "backends='' names nothing."),
        ((" ,", None, False), "backends=' ,' names nothing."),
        ((5, None, False), "backends must be names, not 5."),
        ((None, 5, False), "devices must be a list of names, not 5."),
        ((None, ["CUDA0", 1], False), "devices must be a list of names, not ['CUDA0', 1]."),
        (([1], None, False), "backends must be names, not [1]."),
        ((None, "CUDA0", False), "devices must be a list of names, not 'CUDA0'."),
        (("cpu", None, True), "require_gpu cannot be combined with backends='cpu'."),
        ((None, [], True), "require_gpu cannot be combined with devices=[]."),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: tuple[object, object, bool], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_request(*arguments, {})  # type: ignore[arg-type]  # on purpose
    assert caught.value.what == message


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (Request(), False),
        (Request(backends=()), True),
        (Request(devices=()), True),
        (Request(devices=("CPU",)), True),
        (Request(devices=("CUDA0",)), False),
    ],
)
def test_the_cpu_alone_needs_no_search(request_: Request, expected: bool) -> None:
    assert request_.cpu_only is expected
