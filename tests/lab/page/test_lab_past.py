# SPDX-License-Identifier: MIT
"""What the page shows of the past, and what it asks for."""

from __future__ import annotations

import pytest
from lab_pages import RATE, RECIPE, frame, hello, rows, state

pytestmark = pytest.mark.browser


def test_the_past_is_asked_for_and_forked(lab):
    lab.open(hello(), state(frames=9), frame(8))
    lab.page.evaluate(
        "time.value = 3; time.dispatchEvent(new Event('input'))".replace(
            "time.", "document.getElementById('time')."
        )
    )
    assert lab.heard("seek")["frame"] == 3
    lab.tell(frame(3))
    lab.until(lambda: lab.page.locator("#past").is_visible())
    assert "30" in lab.page.locator("#clock").text_content()
    lab.page.click("#fork")
    assert lab.heard("fork")["frame"] == 3
    lab.until(lambda: lab.page.locator("#past").is_hidden())


def test_a_fork_takes_back_what_came_after_its_frame(lab):
    lab.open(hello(), state(frames=9), *map(frame, (2, 5, 8)))
    lab.page.fill(f'[name="{RATE}"]', "0.001")
    lab.page.locator(f'[name="{RATE}"]').blur()
    changed = hello(recipe={**RECIPE, "tricks": ["r1"], "set": {RATE: 0.001, "loss": "hinge"}})
    facts = {key: changed[key] for key in ("recipe", "resolved", "graph")}
    lab.tell({"kind": "event", "frame": 5, "iteration": 50, "what": "tricks = r1", **facts})
    title, dots = lab.page.locator("#run-title"), lab.page.locator("#events button")
    lab.until(lambda: "r1" in title.text_content() and dots.count() == 1)
    lab.tell({"kind": "cut", "frame": 4})
    before = hello()
    lab.tell({"kind": "recipe", **{key: before[key] for key in facts}})
    other = {**facts, "recipe": {**RECIPE, "tricks": ["ema"], "set": {"recipe.kimg": 3}}}
    lab.until(lambda: "r1" not in title.text_content() and dots.count() == 0)
    assert lab.page.locator(".trick-row").count() == 0
    assert lab.page.locator(f'[name="{RATE}"]').input_value() == "0.0005"
    lab.tell(frame(4))
    clock = lab.page.locator("#clock")
    lab.until(lambda: "iteration 40 " in clock.text_content())
    lab.page.keyboard.press(",")
    lab.until(lambda: "iteration 20 " in clock.text_content())
    lab.page.keyboard.press(".")
    lab.page.keyboard.press(".")  # there is nothing after the frame any more
    lab.until(lambda: "iteration 40 " in lab.page.locator("#clock").text_content())
    # Two changes of the list between two paintings leave no dot of the first.
    lab.tell({"kind": "event", "frame": 4, "iteration": 40, "what": "tricks = ema", **other})
    lab.tell({"kind": "cut", "frame": 4})
    lab.tell({"kind": "event", "frame": 3, "iteration": 40, "what": "loss = hinge", **other})
    lab.until(lambda: dots.count() == 1 and dots.get_attribute("title") == "loss = hinge")
    lab.page.click("#settings button[type=submit]")
    started = {**RECIPE, "tricks": ["ema"], "set": {"recipe.kimg": 3}}
    assert lab.heard("start")["recipe"] == started


def test_the_frame_that_is_sought_is_shown_whatever_comes_with_it(lab):
    lab.open(hello(), state(frames=9), frame(8))
    lab.page.locator("#time").focus()
    lab.page.keyboard.press("ArrowLeft")
    assert lab.heard("seek")["frame"] == 7
    lab.page.evaluate("""() => {
      const paint = requestAnimationFrame;
      const waiting = [];
      window.requestAnimationFrame = (act) => waiting.push(act);
      window.paintNow = () => {
        window.requestAnimationFrame = paint;
        waiting.forEach(paint);
      };
    }""")
    lab.tell(frame(7))
    lab.tell(frame(9))
    lab.until(lambda: [message["frame"] for message in lab.sent if message["kind"] == "ack"][1:])
    lab.page.evaluate("paintNow()")
    lab.until(lambda: "iteration 70 " in lab.page.locator("#clock").text_content())
    lab.page.click("#now")
    lab.until(lambda: "iteration 90 " in lab.page.locator("#clock").text_content())


def test_keys_go_from_kept_frame_to_kept_frame(lab):
    lab.open(hello(), state(frames=9), frame(2), frame(5), frame(8))
    clock = lab.page.locator("#clock")
    for key, iteration in ((",", 50), (",", 20), (".", 50)):
        lab.page.keyboard.press(key)
        lab.until(lambda iteration=iteration: f"iteration {iteration}" in clock.text_content())
        assert f"iteration {iteration} " in clock.text_content()


def kept_frames(lab, numbers):
    """Answer what the page seeks from here on, as the server does, from these frames."""
    answered = len(lab.sent)

    def answer():
        nonlocal answered
        for message in lab.sent[answered:]:
            if message["kind"] == "seek":
                number = message["frame"]
                found = max(kept for kept in numbers if kept <= number)
                after = min((kept for kept in numbers if kept > number), default=None)
                told = {"kind": "sought", "frame": number, "found": {"a": found}, "next": after}
                lab.tell(told)
                lab.tell(frame(found))
        answered = len(lab.sent)

    return answer


def test_forward_is_forward_where_the_lab_has_thinned_its_frames(lab):
    lab.open(hello(), state(frames=21), rows(*range(20)), frame(20))
    answer = kept_frames(lab, [0, 4, 8, 20])
    clock = lab.page.locator("#clock")

    def comes_to(number):
        def shown():
            answer()
            return f"iteration {10 * number} " in clock.text_content()

        lab.until(shown)
        lab.page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")

    def press(key, number):
        lab.page.keyboard.press(key)
        comes_to(number)

    lab.page.evaluate("document.getElementById('time').value = 5")
    lab.page.locator("#time").dispatch_event("input")
    comes_to(4)
    press(",", 0)
    press(".", 4)
    press(".", 8)
    press(",", 4)
    lab.page.locator("#time").focus()
    press("ArrowRight", 8)
    press("ArrowLeft", 4)
    press("ArrowLeft", 0)
    press("ArrowRight", 4)
    press(".", 8)
    press("ArrowRight", 20)


def test_a_drag_back_shows_the_frame_before_and_no_later_one(lab):
    lab.open(hello(), state(frames=21), rows(*range(20)), frame(20))
    answer = kept_frames(lab, [0, 4, 8, 20])
    clock, time = lab.page.locator("#clock"), lab.page.locator("#time")

    def drag_to(value, number):
        time.dispatch_event("pointerdown")
        time.evaluate("(slider, value) => (slider.value = value)", value)
        time.dispatch_event("input")
        count = len(lab.sent)
        lab.until(lambda: (answer(), f"iteration {10 * number} " in clock.text_content())[1])
        lab.page.wait_for_timeout(50)
        assert [message for message in lab.sent[count:] if message["kind"] == "seek"] == []

    for value, number in ((6, 4), (7, 4), (3, 0), (3, 0)):
        drag_to(value, number)


def test_only_the_answer_to_the_latest_seek_is_shown(lab):
    lab.open(hello(), state(frames=10), rows(0, 5), frame(8), frame(9))
    clock, time = lab.page.locator("#clock"), lab.page.locator("#time")

    def drag_to(value):
        time.evaluate("(slider, value) => (slider.value = value)", value)
        time.dispatch_event("input")

    lab.until(lambda: "iteration 90 " in clock.text_content())  # the newest is shown
    drag_to(5)
    assert lab.heard("seek")["frame"] == 5
    drag_to(8)
    lab.until(lambda: "iteration 80 " in clock.text_content())
    lab.tell({"kind": "sought", "frame": 5, "found": {"a": 4}, "next": 8})
    for late in (4, 5):
        lab.tell(frame(late))
        acknowledged = {"kind": "ack", "frame": late, "side": "a"}
        lab.until(lambda acknowledged=acknowledged: acknowledged in lab.sent)
    lab.page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    assert "iteration 80 " in clock.text_content()
