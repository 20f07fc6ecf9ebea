"""The web page, used in a real browser as people use it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.support.llama.media_files import noise, saved
from tests.support.reference.made_projectors import write_projector
from tests.support.server.browser import Browser
from tests.support.server.serving import Served, wait_until

ASK = "Write a long story about a dog."
TOKEN = "a-token-of-this-test"  # noqa: S105  # it is no secret


def test_an_answer_comes_piece_by_piece_stops_and_is_kept(serve: Callable[..., Served], browser: Browser) -> None:
    served = serve()
    browser.open(served.url)
    browser.find("textarea")
    browser.shoot("open")
    browser.send(ASK)
    first = browser.until(lambda: next(iter(browser.answers()), "").strip())
    assert browser.generating()
    browser.until(lambda: len(browser.answers()[0]) > len(first) + 20)
    assert browser.generating()
    assert served.active() == 1
    browser.shoot("streaming")
    browser.click("Stop")
    browser.until(lambda: not browser.generating())
    wait_until(lambda: served.active() == 0)
    kept = browser.texts("[aria-label='Assistant message with actions'] p")[0]
    assert kept
    browser.shoot("stopped")
    browser.driver.refresh()
    browser.wait_for_text(ASK)
    assert kept in browser.until(lambda: next(iter(browser.answers()), ""))
    assert not browser.generating()
    browser.shoot("reloaded")


def test_an_image_goes_to_the_model(serve: Callable[..., Served], browser: Browser, tmp_path: Path) -> None:
    projector = write_projector(tmp_path / "mmproj.gguf", width=576)
    served = serve("-o", f"mmproj={projector}", "-o", "n_predict=16")
    image = tmp_path / "noise.png"
    image.write_bytes(saved(noise(), "PNG"))
    browser.open(served.url)
    browser.find("textarea")
    browser.find("input[type=file]").send_keys(str(image))
    browser.find("img[alt='noise.png']")
    browser.shoot("attached")
    browser.send("What is this?")
    browser.until(lambda: browser.answers() and not browser.generating())
    browser.find("[aria-label='User message with actions'] img, img[alt='noise.png']")
    browser.shoot("image")
    posted = [body for body in browser.bodies("/v1/chat/completions") if "image_url" in body]
    assert ["data:image/" in body for body in posted] == [True]
    assert "POST /v1/chat/completions 200" in served.log


def test_an_error_is_shown(serve: Callable[..., Served], browser: Browser) -> None:
    served = serve()
    browser.open(served.url)
    browser.send("word " * 1500)
    browser.until(lambda: "exceeds the available context size (1024 tokens)" in browser.dialog())
    browser.shoot("error")
    assert "POST /v1/chat/completions 400" in served.log


def test_a_token_is_asked_for_and_kept(serve: Callable[..., Served], browser: Browser) -> None:
    served = serve(env={"LLAMAPACK_API_KEY": TOKEN}, wait=False)
    wait_until(lambda: served.health()["status"] == "ok")
    browser.open(served.url)
    browser.click("Enter API Key")
    browser.find("input[type=password]").send_keys(TOKEN)
    browser.shoot("token")
    browser.click("Save & Retry")
    browser.find("textarea")
    browser.send("Say hello.")
    browser.until(lambda: next(iter(browser.answers()), "").strip())
    browser.shoot("token-known")
    assert TOKEN not in served.log


def test_models_are_shown_and_switched(
    serve: Callable[..., Served], browser: Browser, model_path: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("first", "second"):
        (folder / f"{name}.gguf").symlink_to(model_path)
    served = serve("-o", "n_predict=16", "--max-loaded", "1", model=folder)
    browser.open(served.url)
    browser.find("textarea")
    for name, other in (("first", "second"), ("second", "first")):
        browser.choose_model(name)
        browser.shoot(f"model-{name}")
        browser.send(f"Hello, {name}.")
        browser.wait_for_text(f"Hello, {name}.")
        browser.until(lambda: browser.answers() and browser.answers()[-1].strip() and not browser.generating())
        states = {each["name"]: each["state"] for each in served.health()["models"]}
        assert states == {name: "ready", other: "unloaded"}
        assert any(name in each for each in browser.texts("form button")), "the page shows which one is used"
    browser.shoot("two-models")
    browser.read_logs()
    assert "/models/sse" in {url.removeprefix(served.url) for _, url in browser.requests}


def test_a_server_without_the_page_says_so(serve: Callable[..., Served], browser: Browser) -> None:
    served = serve("--no-page")
    browser.open(served.url)
    browser.wait_for_text("Its web page is switched off.")
    assert served.ask("GET", "/index.html")[0] == 404
