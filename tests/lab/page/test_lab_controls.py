# SPDX-License-Identifier: MIT
"""What the page sends when it is used, and what it makes of what it is told."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from lab_pages import RATE, RECIPE, TOML, fake_lab, frame, hello, rows, state

from ganbench.lab.lesson_files import lessons as all_lessons

pytestmark = pytest.mark.browser


def test_a_new_run_begins_to_play_and_its_address_holds_the_recipe(lab):
    lab.open()
    lab.heard("play")
    assert lab.heard("ack") == {"kind": "ack", "frame": 0, "side": "a"}
    address = lab.page.url.partition("#recipe=")[2]
    padded = address + "=" * (-len(address) % 4)
    assert base64.urlsafe_b64decode(padded).decode() == TOML


def test_the_token_leaves_the_address(lab):
    lab.open(address="/?token=secret")
    assert "token" not in lab.page.url


def test_reduced_motion_waits_for_play(browser):
    with fake_lab(browser, reduced_motion="reduce") as lab:
        lab.open()
        lab.heard("ack")
        lab.page.wait_for_timeout(200)
        assert not any(message["kind"] == "play" for message in lab.sent)


def test_buttons_and_keys_send_their_messages(lab):
    lab.open(hello(), state("playing"), frame())
    lab.page.click("#play")
    lab.heard("pause")
    lab.tell(state("paused"))
    lab.until(lambda: lab.page.locator("#play-word").text_content() == "Play")
    lab.page.click("#step-generator")
    assert lab.heard("step")["turn"] == "generator"
    lab.page.keyboard.press("d")
    lab.until(lambda: lab.heard("step")["turn"] == "discriminator")
    lab.page.click("#slow")
    assert lab.heard("slow")["on"] is True
    lab.page.select_option("#speed", "20")
    assert lab.heard("speed")["updates_per_second"] == 20
    lab.page.click("#reset")
    lab.heard("reset")


def test_a_key_that_is_held_acts_once(lab):
    lab.open(hello(), state("playing", frames=9), *map(frame, range(9)))
    lab.page.locator("#stage").focus()
    for key in ("d", "g", "n", "m", "r", " "):
        for _ in range(3):
            lab.page.keyboard.down(key)  # the second and third are repeats
        lab.page.keyboard.up(key)
    lab.heard("pause")
    asked = [m["kind"] for m in lab.sent if m["kind"] not in {"ack", "seek"}]
    assert asked == ["step", "step", "step", "slow", "reset", "pause"]
    for _ in range(3):
        lab.page.keyboard.down(",")  # but one may walk through time
    lab.page.keyboard.up(",")
    lab.until(lambda: "iteration 50 " in lab.page.locator("#clock").text_content())


def test_settings_change_at_once_or_begin_another_run(lab):
    lab.open()
    lab.page.fill(f'[name="{RATE}"]', "0.001")
    lab.page.locator(f'[name="{RATE}"]').blur()
    assert lab.heard("set") == {"kind": "set", "key": RATE, "value": 0.001}
    lab.page.fill('[name="seed"]', "3")
    lab.page.click("#settings button[type=submit]")
    assert lab.heard("start")["recipe"] == {**RECIPE, "seed": 3, "set": {RATE: 0.001}}


def test_tricks_are_sent_as_a_whole_list(lab):
    lab.open(hello(recipe={**RECIPE, "tricks": ["ema"]}), state(), frame())
    lab.page.select_option(".tricks select", "r1")
    assert lab.heard("set") == {"kind": "set", "key": "tricks", "value": ["ema", "r1"]}


def test_a_lesson_starts_and_its_text_is_shown(lab):
    lab.open()
    lab.page.click(".cards .card")
    assert lab.heard("start") == {"kind": "start", "lesson": "learns"}
    lab.tell(hello(recipe={**RECIPE, "seed": 7}))
    lab.until(lambda: lab.page.locator("#lesson-text").is_visible())
    assert lab.page.locator("[data-layer=grid]").is_checked()


def test_a_button_that_goes_hands_its_focus_on(lab):
    lab.open()

    def press(selector):
        lab.page.locator(selector).first.focus()
        lab.page.keyboard.press("Enter")

    def holds(place):
        script = "(place) => document.getElementById(place).contains(document.activeElement)"
        return lab.page.evaluate(script, place)

    press(".cards .card")
    lab.heard("start")
    lab.tell(hello(recipe={**RECIPE, "seed": 7}))
    lab.until(lambda: "seed 7" in lab.page.locator("#run-title").text_content())
    assert holds("lesson-cards")
    lab.tell({"kind": "diagnosis", "sentences": ["Three of eight modes."], "tricks": ["r1"]})
    lab.until(lambda: lab.page.locator("#diagnosis button").count() == 1)
    press("#diagnosis button")
    changed = hello(recipe={**RECIPE, "tricks": ["r1"]})
    lab.tell({"kind": "recipe", **{key: changed[key] for key in ("recipe", "resolved", "graph")}})
    lab.until(lambda: lab.page.locator("#diagnosis button").count() == 0)
    assert holds("diagnosis")


def test_an_address_with_another_recipe_starts_it(lab):
    other = TOML.replace("seed = 0", "seed = 5")
    packed = base64.urlsafe_b64encode(other.encode()).decode().rstrip("=")
    lab.open(address=f"/#recipe={packed}")
    assert lab.heard("start") == {"kind": "start", "toml": other}


def test_points_are_drawn_and_sent(lab):
    lab.open()
    lab.page.locator("#pad").scroll_into_view_if_needed()
    area = lab.page.locator("#pad").bounding_box()
    lab.page.mouse.move(area["x"] + area["width"] * 0.75, area["y"] + area["height"] * 0.25)
    lab.page.mouse.down()
    lab.page.mouse.move(area["x"] + area["width"] * 0.75, area["y"] + area["height"] * 0.25 + 2)
    lab.page.mouse.move(area["x"] + area["width"] * 0.75, area["y"] + area["height"] * 0.25 + 4)
    lab.page.mouse.up()
    lab.page.click("#pad-train")
    points = np.array(lab.heard("data")["points"])
    assert len(points) >= 10
    np.testing.assert_allclose(points.mean(0), [0.5, 0.5], atol=0.1)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    "kind", ["<f2", "<f4", ">f8", "i1", ">i2", "<i4", "<i8", "u1", "<u2", ">u8"]
)
def test_npy_files_are_read(lab, order, kind):
    points = np.arange(36.0).reshape(12, 3)
    data = io.BytesIO()
    np.save(data, np.asarray(points, kind, order=order))
    lab.open()
    upload = {"name": "a.npy", "mimeType": "application/octet-stream", "buffer": data.getvalue()}
    lab.page.set_input_files("#file", upload)
    assert lab.heard("data")["points"] == points[:, :2].tolist()


def test_csv_files_are_read_and_others_are_refused(lab):
    rows = [[number, number / 2] for number in range(12)]
    text = "name,x,y\n" + "\n".join(f"p{x},{x},{y}" for x, y in rows)
    lab.open()
    upload = {"name": "a.csv", "mimeType": "text/csv", "buffer": text.encode()}
    lab.page.set_input_files("#file", upload)
    assert lab.heard("data")["points"] == rows
    lab.page.set_input_files("#file", {**upload, "name": "b.csv", "buffer": b"a\nb\n"})
    lab.until(lambda: "b.csv" in lab.page.locator("#banner-text").text_content())


def test_errors_failures_and_diagnoses_are_told(lab):
    lab.open()
    lab.tell({"kind": "error", "message": "It cannot be.", "hint": "Start again."})
    lab.until(
        lambda: lab.page.locator("#banner-text").text_content() == "It cannot be. Start again."
    )
    lab.tell({"kind": "diagnosis", "sentences": ["Three of eight modes."], "tricks": ["r1"]})
    lab.until(lambda: "Three of eight" in lab.page.locator("#diagnosis").text_content())
    lab.page.click("#diagnosis button")
    assert lab.heard("set")["value"] == ["r1"]
    lab.tell(state("failed", reason="no memory"))
    lab.until(lambda: "no memory" in lab.page.locator("#banner-text").text_content())
    lab.page.click("#banner-act")
    lab.heard("reset")


def test_why_a_run_has_ended_is_said(lab):
    lab.open()
    banner = lab.page.locator("#banner-text")
    diverged = "The run has diverged: a loss or a sample is no longer finite."
    lab.tell(state("ended", reason=diverged))
    lab.until(lambda: banner.text_content() == diverged)
    lab.page.select_option("#language", "zh")
    lab.tell(state("paused"))
    lab.tell(state("ended", reason=diverged))
    lab.until(lambda: "训练已发散" in banner.text_content())


def test_a_run_that_has_failed_does_not_go_on_and_says_what_helps(lab):
    lab.open(hello(), state(), rows(0), frame(1))
    banner, again = lab.page.locator("#banner-text"), lab.page.locator("#banner-act")
    lab.tell({"kind": "error", "message": "It is too large.", "hint": "Take fewer."})
    lab.tell(state("failed", reason="It is too large."))
    lab.until(lambda: again.is_visible())
    assert banner.text_content() == "Training failed: It is too large. Take fewer."
    lab.heard("play")
    lab.heard("ack")
    count = len(lab.sent)

    def refused(act):
        lab.page.click("#banner-close")
        lab.page.locator("#stage").focus()  # the button that is gone would take the space bar
        act()
        lab.until(lambda: again.is_visible())
        assert banner.text_content() == "Training failed: It is too large. Take fewer."

    keys = [lambda key=key: lab.page.keyboard.press(key) for key in (" ", "n", "d", "g", "m")]
    buttons = [lambda name=name: lab.page.click(name) for name in ("#play", "#step", "#slow")]
    for act in (*keys, *buttons, lambda: lab.page.select_option("#speed", "20")):
        refused(act)
    assert lab.page.locator("#speed").input_value() == ""
    lab.tell({"kind": "error", "message": "It cannot be.", "hint": ""})
    lab.until(lambda: banner.text_content() == "It cannot be.")
    again.click()
    lab.heard("reset")
    assert [message["kind"] for message in lab.sent[count:]] == ["reset"]


def test_two_sides_are_asked_for_and_shown(lab):
    lab.open()
    lab.page.select_option("#side-tricks", "r1")
    lab.page.click("#side-on")
    assert lab.heard("side") == {"kind": "side", "tricks": ["r1"]}
    lab.tell(hello(sides=2))
    lab.tell({**hello(recipe={**RECIPE, "tricks": ["r1"]}), "kind": "side", "side": "b"})
    lab.tell(frame(1))
    lab.tell(frame(1, side="b"))
    lab.until(lambda: lab.page.locator("#side-b").is_visible())
    assert "r1" in lab.page.locator("#side-b-title").text_content()
    told = {"kind": "diagnosis", "tricks": []}
    lab.tell({**told, "sentences": ["Two of eight modes."]})
    lab.tell({**told, "sentences": ["All of the modes."], "side": "b"})
    lab.until(lambda: "All of" in lab.page.locator("#diagnosis").text_content())
    said = lab.page.locator("#diagnosis").inner_text().split("\n")
    plain, other = (f"vanilla{trick} · ring8 · seed 0" for trick in ("", " + r1"))
    lines = [line for line in said if line]
    assert lines == [plain, "Two of eight modes.", other, "All of the modes."]
    lab.page.click("#side-off")
    assert lab.heard("side") == {"kind": "side", "off": True}
    assert lab.page.locator("#side-b").is_hidden()
    assert lab.page.locator("#diagnosis").inner_text() == "Two of eight modes."


def test_the_second_side_stays_where_it_began_before_the_first_and_goes_when_it_is_gone(lab):
    lab.open(hello(sides=1), state(), frame(7))
    lab.tell({**hello(recipe={**RECIPE, "tricks": ["r1"]}), "kind": "side", "side": "b"})
    lab.tell(frame(0, side="b"))
    lab.tell({"kind": "diagnosis", "tricks": [], "sentences": ["All of the modes."], "side": "b"})
    lab.tell(hello(sides=2))
    lab.tell(frame(0))
    acknowledged = {"kind": "ack", "frame": 0, "side": "a"}
    lab.until(lambda: acknowledged in lab.sent and {**acknowledged, "side": "b"} in lab.sent)
    lab.until(lambda: lab.page.locator("#picture-b").get_attribute("aria-label"))
    assert "All of the modes." in lab.page.locator("#diagnosis").inner_text()
    lab.tell({"kind": "side", "off": True})
    lab.until(lambda: lab.page.locator("#side-b").is_hidden())
    assert "All of the modes." not in lab.page.locator("#diagnosis").inner_text()


def test_a_page_that_comes_late_shows_the_curves_from_the_beginning(lab):
    rows = [
        {"frame": at, "iteration": 10 * at, "kimg": at, "numbers": {"js": 0.1 * at}, "boxes": {}}
        for at in range(5)
    ]
    past = {"kind": "past", "side": "a", "rows": rows}
    event = {"kind": "event", "frame": 2, "iteration": 20, "what": "loss = hinge"}
    lab.open(hello(), state(frames=6), event, past, frame(5))
    lab.page.keyboard.press("Shift+Tab")
    lab.page.locator("#time").focus()
    lab.page.keyboard.press("ArrowLeft")  # to the kept frame before, which the page has not seen
    assert lab.heard("seek")["frame"] == 4


def test_every_word_is_said_in_chinese(lab):
    lab.open()
    missing = lab.page.evaluate("""async () => {
      const { english } = await import('/words.js');
      const { chinese } = await import('/words_zh.js');
      return Object.keys(english).filter((name) => !(name in chinese));
    }""")
    lessons = lab.page.evaluate(
        "import('/words_zh.js').then(({ chinese }) => Object.keys(chinese.lesson_texts))"
    )
    assert sorted(lessons) == sorted(lesson_file.name for lesson_file in all_lessons())
    assert missing == ["probe", "probe_image"]  # symbols, no words
    lab.page.select_option("#language", "zh")
    lab.until(lambda: lab.page.locator("#step").text_content() == "单步")
