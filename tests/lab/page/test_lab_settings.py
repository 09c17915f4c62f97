# SPDX-License-Identifier: MIT
"""The form of settings: what it changes when, by mouse and by keyboard, and what it takes back."""

from __future__ import annotations

import pytest
from lab_pages import RATE, RECIPE, frame, hello, state

pytestmark = pytest.mark.browser


def kinds(lab):
    """Return what was sent, but for what the page says by itself."""
    return [message["kind"] for message in lab.sent if message["kind"] not in {"ack", "play"}]


def focused(lab):
    """Return the name of the field that has the focus; of other elements their tag."""
    return lab.page.evaluate("document.activeElement.name || document.activeElement.tagName")


def press(lab, *keys):
    for key in keys:
        lab.page.keyboard.press(key)
    lab.page.wait_for_timeout(50)


@pytest.mark.parametrize("leaves", ["Enter", "Tab"])
def test_a_trick_is_added_by_keyboard_when_it_is_chosen(lab, leaves):
    lab.open()
    lab.page.locator("[name=add-trick]").focus()
    press(lab, "ArrowDown", "ArrowDown", "ArrowUp", "ArrowDown")
    assert kinds(lab) == []
    assert focused(lab) == "add-trick"
    press(lab, leaves)
    assert lab.heard("set") == {"kind": "set", "key": "tricks", "value": ["r1"]}
    assert focused(lab) == {"Enter": "add-trick", "Tab": "model"}[leaves]
    changed = hello(recipe={**RECIPE, "tricks": ["r1"]})
    told = {key: changed[key] for key in ("recipe", "resolved", "graph")}
    lab.tell({"kind": "event", "frame": 0, "iteration": 0, "what": "tricks = r1", **told})
    lab.until(lambda: "r1" in lab.page.locator("#run-title").text_content())
    assert focused(lab) == {"Enter": "add-trick", "Tab": "model"}[leaves]
    lab.page.locator("[name=remove-0]").focus()
    press(lab, "Enter")
    lab.until(lambda: lab.heard("set")["value"] == [])
    assert focused(lab) == "add-trick"
    assert kinds(lab) == ["set", "set"]


def test_the_loss_changes_by_keyboard_when_it_is_chosen(lab):
    lab.open()
    loss = lab.page.locator("[name=loss]")
    loss.focus()
    press(lab, "ArrowDown", "Escape")
    assert loss.input_value() == "non-saturating"
    press(lab, "Enter", "Escape", "ArrowDown", "Tab")
    lab.until(lambda: kinds(lab))
    assert lab.heard("set") == {"kind": "set", "key": "loss", "value": "hinge"}
    assert kinds(lab) == ["set"]


def test_enter_takes_a_rate_and_begins_no_other_run(lab):
    lab.open()
    lab.page.locator(f'[name="{RATE}"]').focus()
    press(lab, "ArrowUp")
    assert kinds(lab) == []
    lab.page.locator(f'[name="{RATE}"]').fill("0.002")
    press(lab, "Enter", "Enter")
    assert lab.heard("set") == {"kind": "set", "key": RATE, "value": 0.002}
    assert kinds(lab) == ["set"]
    lab.page.locator("[name=seed]").fill("4")
    press(lab, "Enter")
    assert lab.heard("start")["recipe"] == {**RECIPE, "seed": 4, "set": {RATE: 0.002}}


def test_a_click_begins_again_with_the_field_that_it_leaves(lab):
    lab.open()
    lab.page.locator("[name=add-trick]").focus()
    press(lab, "ArrowDown")
    lab.page.click("#settings button[type=submit]", delay=100)  # time for the form to grow
    assert lab.heard("start")["recipe"]["tricks"] == ["ema"]
    assert kinds(lab) == ["set", "start"]


def test_what_the_lab_refuses_is_not_shown_and_not_sent_again(lab):
    other = RATE.replace("generator", "discriminator")
    lab.open(hello(changeable=[RATE, other, "loss", "tricks"]), state(), frame())
    rate = lab.page.locator(f'[name="{RATE}"]')
    rate.focus()
    rate.fill("-1")
    press(lab, "Tab")
    assert lab.heard("set")["value"] == -1
    lab.page.keyboard.type("7")
    assert focused(lab) == other
    lab.tell({"kind": "error", "message": "It must be above 0.", "hint": ""})
    lab.until(lambda: rate.input_value() == "0.0005")
    assert focused(lab) == other
    assert lab.page.locator(f'[name="{other}"]').input_value() == "7"  # not settled yet
    press(lab, "Escape")
    lab.page.select_option("[name=add-trick]", "r1")
    lab.page.fill("[name=trick-0]", "r1:weight=x")
    press(lab, "Enter")
    lab.until(lambda: lab.heard("set")["value"] == ["r1:weight=x"])
    lab.tell({"kind": "error", "message": "weight is a number.", "hint": ""})
    lab.until(lambda: lab.page.locator(".trick-row").count() == 0)
    lab.page.fill("[name=seed]", "5")
    lab.page.click("#settings button[type=submit]")
    assert lab.heard("start")["recipe"] == {**RECIPE, "seed": 5}


def test_parameters_that_are_on_or_off_are_boxes(lab):
    resolved = {**hello()["resolved"], "parameters": {"learned": True, "repulsive": False}}
    lab.open(hello(resolved=resolved), state(), frame())
    learned, repulsive = (
        lab.page.locator(f'[name="model.{name}"]') for name in ("learned", "repulsive")
    )
    assert learned.is_checked()
    assert not repulsive.is_checked()
    repulsive.check()
    learned.uncheck()
    lab.page.click("#settings button[type=submit]")
    changes = {"model.learned": False, "model.repulsive": True}
    assert lab.heard("start")["recipe"] == {**RECIPE, "set": changes}


def test_another_language_keeps_what_has_not_been_sent(lab):
    lab.open()
    lab.page.fill("[name=seed]", "6")
    lab.page.select_option("#side-tricks", "r1")
    lab.page.select_option("#language", "zh")
    button = lab.page.locator("#settings button[type=submit]")
    lab.until(lambda: button.text_content() == "用这些设置重新开始")
    assert lab.page.locator("[name=seed]").input_value() == "6"
    assert lab.page.locator("#side-tricks").input_value() == "r1"
    assert "waiting" in button.get_attribute("class")
    button.click()
    assert lab.heard("start")["recipe"] == {**RECIPE, "seed": 6}
