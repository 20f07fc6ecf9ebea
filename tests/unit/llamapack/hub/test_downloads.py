"""Downloads from a hub: where files go, what is asked, and what happens when servers and connections fail."""

from __future__ import annotations

import contextlib
import random
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from llamapack.errors import DownloadError, ModelError, ModelFormatError, ModelNotFoundError
from llamapack.hub import resolve
from llamapack.hub.transfer import transport

from tests.support.gguf.files import text, tiny_model
from tests.support.hub.models import DATA, files_in, model
from tests.support.hub.standing_in import (
    COMMIT,
    Fault,
    Handler,
    Hub,
    Repository,
    answering,
    broken_after,
    git_name,
    on_files,
    on_hub,
    sha256,
    slowly,
)

NAME = "models--org--repo"
WHOLE = [
    f"{NAME}/blobs/{sha256(DATA)}",
    f"{NAME}/refs/main",
    f"{NAME}/snapshots/{COMMIT}/a-Q8_0.gguf",
    f"{NAME}/trees/{COMMIT}.json",
]


def test_a_download_lies_in_the_cache_as_the_hubs_own_programs_put_it(one: Hub, cache: Path) -> None:
    found = resolve("hf:org/repo")
    assert found.path == cache / NAME / "snapshots" / COMMIT / "a-Q8_0.gguf"
    assert found.parts == (found.path,)
    assert found.path.read_bytes() == DATA
    assert files_in(cache) == WHOLE
    assert found.path.readlink() == Path("../../blobs") / sha256(DATA)
    assert (cache / NAME / "refs/main").read_text() == COMMIT


def test_what_is_in_the_cache_is_used_without_a_network(one: Hub) -> None:
    first = resolve("hf:org/repo")
    one.asked.clear()
    assert resolve("hf:org/repo") == first
    assert resolve("hf:org/repo", offline=True) == first
    assert one.asked == []


def test_a_newer_commit_is_found_when_the_hub_is_to_be_asked(one: Hub) -> None:
    resolve("hf:org/repo")
    newer = model("newer")
    one.put("org/repo", {"a-Q8_0.gguf": newer}, commit="f" * 40)
    assert resolve("hf:org/repo").path.read_bytes() == DATA
    assert resolve("hf:org/repo", offline=False).path.read_bytes() == newer
    assert resolve(f"hf:org/repo@{COMMIT}").path.read_bytes() == DATA


def test_a_file_that_did_not_change_is_not_downloaded_again(one: Hub) -> None:
    resolve("hf:org/repo")
    one.put("org/repo", {"a-Q8_0.gguf": DATA}, commit="f" * 40)
    one.asked.clear()
    assert resolve("hf:org/repo", offline=False).path.read_bytes() == DATA
    assert one.downloads() == []


def test_nothing_is_asked_offline(one: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelNotFoundError, match="not in the cache"):
        resolve("hf:org/repo", offline=True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelNotFoundError, match="not in the cache"):
        resolve("hf:org/repo")
    assert one.asked == []
    assert resolve("hf:org/repo", offline=False).path.read_bytes() == DATA


def test_nothing_is_downloaded_if_that_is_not_wanted(one: Hub, cache: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"not downloaded yet: a-Q8_0\.gguf"):
        resolve("hf:org/repo", download=False)
    assert files_in(cache) == []


def test_without_the_hub_the_cache_has_to_do(one: Hub) -> None:
    first = resolve("hf:org/repo")
    one.faults.append(on_hub(answering(503)))
    assert resolve("hf:org/repo", offline=False) == first


def test_progress_is_told_from_the_beginning_to_the_end(one: Hub) -> None:
    told: list[tuple[str, int, int]] = []
    resolve("hf:org/repo", progress=lambda *each: told.append(each))
    assert told[0] == ("a-Q8_0.gguf", 0, len(DATA))
    assert told[-1] == ("a-Q8_0.gguf", len(DATA), len(DATA))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_an_interrupted_download_goes_on_where_it_was(one: Hub, cache: Path) -> None:
    def interrupt(name: str, done: int, total: int) -> None:
        if done > 100_000:
            raise KeyboardInterrupt(f"{name} of {total} bytes")

    with pytest.raises(KeyboardInterrupt):
        resolve("hf:org/repo", progress=interrupt)
    partial = f"{NAME}/blobs/{sha256(DATA)}.incomplete"
    assert files_in(cache) == [partial, WHOLE[-1]]
    here = (cache / partial).stat().st_size
    one.asked.clear()
    assert resolve("hf:org/repo").path.read_bytes() == DATA
    assert [asked.headers.get("Range") for asked in one.downloads()] == [f"bytes={here}-"]
    assert files_in(cache) == WHOLE


@pytest.mark.parametrize("count", [0, 1, 24, 7_000, 100_000, len(DATA) - 1])
def test_a_connection_that_breaks_is_made_again(one: Hub, cache: Path, count: int) -> None:
    one.once(on_files(broken_after(count)))
    one.faults.append(_after_the_first(broken_after(min(count, 100_000)), times=2))
    assert resolve("hf:org/repo").path.read_bytes() == DATA
    assert files_in(cache) == WHOLE


def test_a_connection_may_break_anywhere(one: Hub, cache: Path) -> None:
    rng = random.Random(7)  # noqa: S311  # no secret

    def breaks(handler: Handler) -> None:
        broken_after(rng.choice((0, 1, 30, 10_000, 100_000)) + rng.randrange(1000))(handler)

    one.faults.append(lambda handler: rng.random() < 0.7 and on_files(breaks)(handler))
    for _ in range(20):
        shutil.rmtree(cache, ignore_errors=True)
        with contextlib.suppress(DownloadError):  # several in a row that sent nothing
            assert resolve("hf:org/repo").path.read_bytes() == DATA
            assert files_in(cache) == WHOLE
    one.faults.clear()
    assert resolve("hf:org/repo").path.read_bytes() == DATA
    assert files_in(cache) == WHOLE


def test_a_file_with_another_name_is_not_downloaded_again(hub: Hub) -> None:
    hub.put("org/repo", {"a-Q4_K_M.gguf": DATA, "a-Q8_0.gguf": model("larger")})
    first = resolve("hf:org/repo")
    hub.put("org/repo", {"b.Q4_K_M.gguf": DATA, "b.Q8_0.gguf": model("larger")}, commit="f" * 40)
    hub.asked.clear()
    assert resolve("hf:org/repo") == first
    second = resolve("hf:org/repo", offline=False)
    assert (second.path.name, second.path.read_bytes()) == ("b.Q4_K_M.gguf", DATA)
    assert hub.downloads() == []
    with pytest.raises(ModelNotFoundError, match=r"has no file a-Q4_K_M\.gguf"):
        resolve("hf:org/repo/a-Q4_K_M.gguf", offline=False)


def test_a_projector_and_a_draft_come_with_a_model_as_wanted(hub: Hub) -> None:
    files = {name: model(name) for name in ("a-Q8_0.gguf", "mmproj-F16.gguf", "mtp-a-Q8_0.gguf")}
    hub.put("org/repo", files)
    found = resolve("hf:org/repo", projector=False)
    assert (found.projector, found.draft) == (None, None)
    assert len(hub.downloads()) == 2  # the header, and the file
    found = resolve("hf:org/repo", draft=True)
    assert found.projector is not None
    assert found.draft is not None
    assert found.projector.read_bytes() == files["mmproj-F16.gguf"]
    assert found.draft.read_bytes() == files["mtp-a-Q8_0.gguf"]


def _after_the_first(act: Callable[[Handler], None], times: int) -> Fault:
    left = [times]

    def fault(handler: Handler) -> bool:
        if handler.server_name != "files" or not left[0]:
            return False
        left[0] -= 1
        act(handler)
        return True

    return fault


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_that_is_busy_is_asked_again(one: Hub, status: int) -> None:
    one.once(on_files(answering(status)))
    one.once(on_hub(answering(status), "/revision/"))
    assert resolve("hf:org/repo").path.read_bytes() == DATA


def test_a_server_may_say_how_long_to_wait(one: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("llamapack.hub.transfer.transport.time.sleep", waited.append)
    one.once(on_files(answering(429, Retry_After="7")))
    resolve("hf:org/repo")
    assert waited == [7]


@pytest.mark.parametrize(
    ("status", "headers", "kind", "says"),
    [
        (401, {}, DownloadError, "Set HF_TOKEN"),
        (403, {"X_Error_Code": "GatedRepo"}, DownloadError, "Accept its terms at https://huggingface.co/org/repo"),
        (403, {}, DownloadError, "Accept its terms at https://huggingface.co/org/repo"),
        (404, {"X_Error_Code": "RepoNotFound"}, ModelNotFoundError, "Check the name"),
        (404, {"X_Error_Code": "RevisionNotFound"}, ModelNotFoundError, "Check the revision"),
        (418, {}, DownloadError, "The server answers 418"),
        (429, {}, DownloadError, "Wait a while"),
        (500, {}, DownloadError, "The server answers 500"),
    ],
)
def test_an_answer_of_the_hub_that_ends_it(
    one: Hub, cache: Path, status: int, headers: dict[str, str], kind: type[ModelError], says: str
) -> None:
    one.faults.append(on_hub(answering(status, **headers)))
    with pytest.raises(kind) as caught:
        resolve("hf:org/repo")
    assert says in str(caught.value)
    assert getattr(caught.value, "status", status) == status
    assert files_in(cache) == []


@pytest.mark.parametrize("status", [401, 403, 404, 410, 500])
def test_an_answer_of_the_files_server_that_ends_it(one: Hub, cache: Path, status: int) -> None:
    one.faults.append(on_files(answering(status)))
    with pytest.raises(ModelError, match=f"The server answers {status}"):
        resolve("hf:org/repo")
    assert files_in(cache) == [WHOLE[-1]]


def test_a_silent_server_is_given_up(one: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "0.05")
    monkeypatch.setattr(transport, "ATTEMPTS", 2)
    over = threading.Event()

    def stall(_: Handler) -> None:
        over.wait()

    one.faults.append(on_files(stall))
    try:
        with pytest.raises(DownloadError, match=r"The server was silent for 0\.05 seconds"):
            resolve("hf:org/repo")
    finally:
        over.set()


def test_a_part_that_is_silent_once_is_asked_for_again(one: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "0.2")
    over = threading.Event()

    def stall(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(DATA)))
        handler.end_headers()
        handler.wfile.write(DATA[:50_000])
        handler.wfile.flush()
        over.wait()

    one.once(on_files(stall))
    try:
        assert resolve("hf:org/repo").path.read_bytes() == DATA
    finally:
        over.set()


def test_wrong_bytes_are_found_and_deleted(one: Hub, cache: Path) -> None:
    wrong = DATA[:-1] + bytes([DATA[-1] ^ 1])
    one.faults.append(on_files(lambda handler: handler.answer(200, wrong)))
    with pytest.raises(DownloadError) as caught:
        resolve("hf:org/repo")
    assert caught.value.why == f"Its checksum is {sha256(wrong)}, not {sha256(DATA)}."
    assert files_in(cache) == [WHOLE[-1]]


def test_wrong_bytes_of_an_earlier_attempt_cost_only_time(one: Hub, cache: Path) -> None:
    partial = cache / f"{WHOLE[0]}.incomplete"
    partial.parent.mkdir(parents=True)
    for left in (b"x" * 1000, b"x" * len(DATA), b"x" * (len(DATA) + 5), DATA, DATA[:5000], b""):
        partial.write_bytes(left)
        assert resolve("hf:org/repo", offline=False).path.read_bytes() == DATA
        assert files_in(cache) == WHOLE
        (cache / WHOLE[0]).unlink()
        (cache / WHOLE[2]).unlink()


@pytest.mark.parametrize("change", [-1, 1, 1000])
def test_a_wrong_length_is_an_error(one: Hub, cache: Path, change: int) -> None:
    other = DATA[:change] if change < 0 else DATA + b"x" * change
    one.faults.append(on_files(lambda handler: handler.answer(200, other)))
    with pytest.raises(DownloadError, match=f"has {len(other)} bytes, not {len(DATA)}"):
        resolve("hf:org/repo")
    assert files_in(cache) == [WHOLE[-1]]


@pytest.mark.parametrize("headers", [{"Content-Length": "9" * 5000}, {"Content-Range": f"bytes 0-5/{'9' * 5000}"}])
def test_a_length_that_is_no_number_is_not_taken(one: Hub, headers: dict[str, str]) -> None:
    status = 206 if "Content-Range" in headers else 200
    one.faults.append(_after_the_first(lambda handler: handler.answer(status, DATA, headers), times=2))
    assert resolve("hf:org/repo").path.read_bytes() == DATA


def test_a_server_without_ranges_sends_all_again(one: Hub) -> None:
    one.once(_after_the_first(broken_after(50_000), times=2))
    one.faults.append(on_files(lambda handler: handler.answer(200, DATA)))
    assert resolve("hf:org/repo").path.read_bytes() == DATA


def test_a_server_that_refuses_the_range_is_asked_for_all(one: Hub, cache: Path) -> None:
    partial = cache / f"{WHOLE[0]}.incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(DATA[:5000])
    one.once(on_files(answering(416)))
    assert resolve("hf:org/repo").path.read_bytes() == DATA
    assert [asked.headers.get("Range") for asked in one.downloads()] == ["bytes=5000-", None]


def test_another_part_than_was_asked_for_is_not_taken(one: Hub, cache: Path) -> None:
    partial = cache / f"{WHOLE[0]}.incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(DATA[:5000])
    part = {"Content-Range": f"bytes 4000-{len(DATA) - 1}/{len(DATA)}"}
    one.once(on_files(lambda handler: handler.answer(206, DATA[4000:], part)))
    assert resolve("hf:org/repo").path.read_bytes() == DATA


def test_a_revision_that_moves_during_a_download_does_not_mix_files(hub: Hub) -> None:
    names = [f"a-Q8_0-{number:05d}-of-00002.gguf" for number in (1, 2)]
    old = {name: model(f"old {name}") for name in names}
    hub.put("org/repo", old)
    hub.once(on_files(_moving({name: model(f"new {name}") for name in names})))
    found = resolve("hf:org/repo")
    assert [path.read_bytes() for path in found.parts] == list(old.values())
    assert found.path.parent.name == COMMIT


def _moving(files: dict[str, bytes]) -> Callable[[Handler], None]:
    def act(handler: Handler) -> None:
        handler.hub.put("org/repo", files, commit="f" * 40)
        handler.answer(503)

    return act


def test_what_is_no_model_is_refused_before_it_is_downloaded(hub: Hub, cache: Path) -> None:
    page = b"<html>" + b"x" * 3_000_000
    hub.put("org/repo", {"a-Q8_0.gguf": page})
    with pytest.raises(ModelFormatError, match=r"a-Q8_0\.gguf is not a GGUF file"):
        resolve("hf:org/repo")
    assert [name for name in files_in(cache) if "/blobs/" in name] == []


def test_a_model_that_cannot_be_loaded_is_refused_before_it_is_downloaded(hub: Hub, cache: Path) -> None:
    wrong = tiny_model().with_value("llama.rope.scaling.type", text("no such"))
    hub.put("org/repo", {"a-Q8_0.gguf": model(described=wrong)})
    with pytest.raises(ModelFormatError, match=r"rope\.scaling\.type is 'no such'"):
        resolve("hf:org/repo")
    assert [name for name in files_in(cache) if "/blobs/" in name] == []


def test_a_model_of_another_architecture_is_refused_before_it_is_downloaded(hub: Hub, cache: Path) -> None:
    unknown = tiny_model().with_value("general.architecture", text("blama"))
    hub.put("org/repo", {"a-Q8_0.gguf": model(described=unknown)})
    with pytest.raises(ModelFormatError) as caught:
        resolve("hf:org/repo")
    assert caught.value.why == "This llama.cpp does not know its architecture, 'blama'."
    assert [name for name in files_in(cache) if "/blobs/" in name] == []


def test_a_full_disk_is_found_before_the_download(one: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("llamapack.hub.transfer.downloading.shutil.disk_usage", lambda _: usage)
    with pytest.raises(DownloadError, match=r"There is no room for org/repo: 318\.3 kB are to be written, and 1\.0 kB"):
        resolve("hf:org/repo")
    assert one.downloads() == []


def test_a_small_file_is_checked_as_git_names_it(one: Hub, cache: Path) -> None:
    tree = f'[{{"type": "file", "path": "a-Q8_0.gguf", "size": {len(DATA)}, "oid": "{git_name(DATA)}"}}]'.encode()
    one.faults.append(on_hub(lambda handler: handler.answer(200, tree), "/tree/"))
    assert resolve("hf:org/repo").path.read_bytes() == DATA
    assert f"{NAME}/blobs/{git_name(DATA)}" in files_in(cache)


def test_a_long_list_comes_in_pages(hub: Hub) -> None:
    hub.repositories["org/repo"] = Repository(commits={COMMIT: {"a-Q8_0.gguf": DATA}})
    hub.blobs[sha256(DATA)] = DATA
    link = f'<{hub.address}/api/models/org/repo/tree/{COMMIT}?recursive=true&cursor=x>; rel="next"'
    hub.once(on_hub(lambda handler: handler.answer(200, b"[]", {"Link": link}), "/tree/"))
    assert resolve("hf:org/repo").path.read_bytes() == DATA


def test_two_at_once_download_a_file_once(one: Hub, cache: Path) -> None:
    one.faults.append(slowly(20_000, 0.002))
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(resolve("hf:org/repo").path.read_bytes())) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [DATA] * 4
    assert files_in(cache) == WHOLE
