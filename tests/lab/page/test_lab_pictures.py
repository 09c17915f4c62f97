# SPDX-License-Identifier: MIT
"""What the page paints, and where."""

from __future__ import annotations

import numpy as np
import pytest
from lab_pages import fake_lab, frame, hello, state

pytestmark = pytest.mark.browser


def test_fakes_are_painted_where_they_are(lab):
    lab.open()
    lab.layers("fake")
    red, _, blue = lab.pixel(0.75, 0.75)
    assert red > blue + 80
    assert lab.pixel(0.25, 0.75) == [255, 255, 255]
    lab.layers("real")
    red, _, blue = lab.pixel(0.25, 0.75)
    assert blue > red + 80
    assert lab.pixel(0.75, 0.75) == [255, 255, 255]


def test_the_heat_map_says_where_the_discriminator_says_real(lab):
    lab.open()
    lab.layers("heat")
    left, right = lab.pixel(0.2, 0.5), lab.pixel(0.8, 0.5)
    assert left[2] > left[0]
    assert right[0] > right[2]


def test_the_level_line_is_between(lab):
    lab.open()
    lab.layers("level")
    assert min(sum(lab.pixel(0.5 + shift, 0.3)) for shift in (-0.002, 0, 0.002)) < 600
    assert lab.pixel(0.4, 0.3) == [255, 255, 255]


def test_row_0_of_the_heat_map_is_at_the_bottom(lab):
    heat = np.zeros((64, 64), np.uint8)
    heat[:32] = 255
    points = np.zeros((1, 2), np.uint16)
    lab.open(hello(), state(), frame(arrays={"heat": heat, "fake": points, "real": points}))
    lab.layers("heat")
    below, above = lab.pixel(0.5, 0.8), lab.pixel(0.5, 0.2)
    assert below[2] > below[0]
    assert above[0] > above[2]


def test_raw_outputs_are_set_against_their_level(lab):
    heat = np.full((64, 64), 100, np.uint8)
    heat[:, 32:] = 200
    points = np.zeros((1, 2), np.uint16)
    arrays = {"heat": heat, "fake": points, "real": points}
    raw = frame(arrays=arrays, heat_range=[-10.0, 245.0], heat_level=140.0)  # outputs 90 and 190
    lab.open(hello(), state(), raw)
    lab.layers("heat")
    left, right = lab.pixel(0.2, 0.5), lab.pixel(0.8, 0.5)
    assert left[0] > left[2]
    assert right[2] > right[0]


def test_outputs_without_a_level_are_set_against_the_middle_of_their_range(lab):
    heat = np.full((64, 64), 50, np.uint8)
    heat[:, 32:] = 200
    points = np.zeros((1, 2), np.uint16)
    arrays = {"heat": heat, "fake": points, "real": points}
    raw = {"arrays": arrays, "heat_range": [-300.0, 210.0], "heat_level": None}
    lab.open(hello(), state(frames=2), frame(0, **raw), frame(1, **raw))
    lab.until(lambda: "iteration 10 " in lab.page.locator("#clock").text_content())
    lab.layers("heat")
    left, right = lab.pixel(0.2, 0.5), lab.pixel(0.8, 0.5)
    assert left[0] > left[2]
    assert right[2] > right[0]


def test_a_painter_that_fails_is_reported_once_and_the_others_go_on(lab):
    lab.open(hello(), state(), frame())
    lab.page.evaluate("""() => {
      const canvas = document.getElementById('picture-a');
      canvas.getContext = () => { throw new Error('no context'); };
    }""")
    clock, losses = lab.page.locator("#clock"), lab.page.locator("[data-chart=losses] .value")
    for number in (1, 2):
        lab.tell(frame(number))
        lab.until(lambda number=number: f"iteration {10 * number} " in clock.text_content())
    lab.until(lambda: "2.50" in losses.text_content())
    assert [text for text in lab.complaints if "no context" in text] == lab.complaints[:1]
    lab.complaints.clear()
    lab.page.evaluate("delete document.getElementById('picture-a').getContext")
    lab.layers("fake")
    red, _, blue = lab.pixel(0.75, 0.75)
    assert red > blue + 80


def test_arrows_point_where_the_loss_pushes(lab):
    points = np.array([[32768, 32768]], np.uint16)
    arrows = np.array([[0.0, 3.0]], np.float32)  # upward
    lab.open(hello(), state(), frame(arrays={"fake": points, "real": points, "arrows": arrows}))
    lab.layers("arrows")
    column = [[sum(lab.pixel(x, y)) for x in (0.4985, 0.5, 0.5015)] for y in (0.46, 0.54)]
    assert min(column[0]) < 600
    assert min(column[1]) == 765


def test_a_fake_that_is_pointed_at_is_followed(lab):
    lab.open()
    area = lab.page.locator("#picture-a").bounding_box()
    lab.page.mouse.move(area["x"] + 0.75 * area["width"], area["y"] + 0.75 * area["height"])
    assert lab.heard("probe") == {"kind": "probe", "index": 0}
    lab.tell({"kind": "point", "latent": [0.25, -1.5], "fake": [1.0, -0.5], "score": 0.125})
    told = "z (0.25,\u00a0-1.50) → G(z) (1.00,\u00a0-0.50) → D 0.125"
    lab.until(lambda: lab.page.locator("#probe-text").text_content() == told)


def questions(lab):
    kinds = ("probe", "plane", "nearest")
    return [message["kind"] for message in lab.sent if message["kind"] in kinds]


def look_back(lab, number):
    """Let the page show an earlier frame, which it has seen."""
    lab.page.keyboard.press(",")
    clock = lab.page.locator("#clock")
    lab.until(lambda: f"iteration {10 * number} " in clock.text_content())


def test_of_a_point_of_the_past_only_what_its_frame_shows_is_told(lab):
    heat = np.full((64, 64), 51, np.uint8)
    line = np.linspace(0, 65535, 3)
    grid = np.stack(np.meshgrid(line, line), -1).astype(np.uint16)
    old = np.array([[49151, 49151]], np.uint16)
    arrays = {"fake": old, "real": old, "heat": heat, "grid": grid}
    lab.open(hello(), state(frames=2), frame(0, arrays=arrays), frame(1))
    area = lab.page.locator("#picture-a").bounding_box()
    lab.page.mouse.move(area["x"] + 0.75 * area["width"], area["y"] + 0.75 * area["height"])
    lab.heard("probe")
    look_back(lab, 0)
    lab.tell({"kind": "point", "latent": [0.0, 0.0], "fake": [1.0, -0.5], "score": 0.9})  # late
    lab.page.mouse.move(area["x"] + 0.75 * area["width"], area["y"] + 0.25 * area["height"])
    text = lab.page.locator("#probe-text")
    told = "z … → G(z) (1.00,\u00a00.50) → D 0.2"
    lab.until(lambda: text.text_content().startswith(told))
    lab.page.hover("#latents")
    lab.until(lambda: text.text_content().startswith("z (0.00"))
    assert text.text_content().endswith("→ D 0.200")
    assert questions(lab) == ["probe"]
    lab.page.click("#now")
    lab.page.hover("#latents")
    lab.until(lambda: len(questions(lab)) > 1)


def test_of_images_of_the_past_the_networks_are_not_asked(lab):
    images = np.zeros((64, 4, 4, 1), np.uint8)
    frames = [frame(number, arrays={"fake": images, "real": images}) for number in range(2)]
    lab.open(hello(data="images", bounds=None, modes=None), state(frames=2), *frames)
    look_back(lab, 0)
    for place in ("#latents", "#picture-a"):
        lab.page.click(place, position={"x": 20, "y": 40})
        lab.until(lambda: "are gone" in lab.page.locator("#probe-text").text_content())
        lab.page.evaluate("document.getElementById('probe-text').textContent = ''")
    assert questions(lab) == []


@pytest.mark.parametrize(
    ("heat_range", "level", "real"),
    [
        ([0.0, 0.5], 0.1, [True, False]),  # raw outputs that look like probabilities
        ([0.0, 0.5], 0.0, [True, True]),
        ([-1.0, 0.5], 0.3, [False, False]),
        (None, 0.5, [False, False]),  # probabilities
    ],
)
def test_a_score_of_an_image_is_set_against_its_level(lab, heat_range, level, real):
    lab.open()
    script = """async ([range, level, scores]) => {
      const { scoreVerdict } = await import('/examples.js');
      const frame = { heat_range: range, heat_level: level, arrays: { scores: { data: scores } } };
      return scores.map((score) => scoreVerdict(frame, score) > 0.5);
    }"""
    assert lab.page.evaluate(script, [heat_range, level, [0.2, 0.04]]) == real


def test_images_stand_in_a_grid_and_a_click_asks_for_the_nearest(lab):
    fakes = np.zeros((64, 4, 4, 1), np.uint8)
    fakes[9] = 255  # second row, second column
    arrays = {"fake": fakes, "real": fakes, "scores": np.linspace(0, 1, 64, dtype=np.float32)}
    lab.open(hello(data="images", bounds=None, modes=None), state(), frame(arrays=arrays))
    lab.layers("fake")
    assert lab.pixel(1.5 / 8, 1.5 / 8) == [255, 255, 255]
    assert lab.pixel(2.5 / 8, 1.5 / 8) == [0, 0, 0]
    area = lab.page.locator("#picture-a").bounding_box()
    lab.page.mouse.click(area["x"] + 1.5 / 8 * area["width"], area["y"] + 1.5 / 8 * area["height"])
    assert lab.heard("nearest") == {"kind": "nearest", "index": 9}
    lab.tell({"kind": "neighbors", "index": 9, "images": fakes[:3].tolist()})
    lab.until(lambda: lab.page.locator("#neighbors canvas").count() == 3)
    lab.page.hover("#latents")
    assert abs(lab.heard("plane")["u"]) < 0.1


def test_a_fake_is_chosen_by_keyboard_and_its_nearest_training_images_are_asked_for(lab):
    fakes = np.zeros((64, 4, 4, 1), np.uint8)
    arrays = {"fake": fakes, "real": fakes[:20]}
    pictures = hello(data="images", bounds=None, modes=None)
    lab.open(pictures, state(frames=2), frame(0, arrays=arrays), frame(1, arrays=arrays))
    text = lab.page.locator("#probe-text")
    assert text.get_attribute("role") == "status"
    lab.page.locator("#picture-a").focus()
    for key in ("ArrowUp", "ArrowLeft", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowUp"):
        lab.page.keyboard.press(key)  # the first key chooses the first fake; ten are in a row
    lab.until(lambda: text.text_content().startswith("Fake 12 of 64."))
    assert questions(lab) == []
    lab.page.keyboard.press("Enter")
    assert lab.heard("nearest") == {"kind": "nearest", "index": 11}
    lab.page.evaluate("document.getElementById('probe-text').textContent = ''")
    look_back(lab, 0)
    lab.page.keyboard.press("Enter")
    lab.until(lambda: "are gone" in text.text_content())
    assert questions(lab) == ["nearest"]


def test_sequences_are_painted_as_lines_and_as_text(lab):
    waves = np.zeros((2, 16, 1), np.float32)
    lab.open(
        hello(data="sequence", bounds=None, modes=None),
        state(),
        frame(arrays={"fake": waves, "real": waves}),
    )
    lab.layers("fake")
    heights = np.arange(0.24, 0.31, 0.002)  # the first of two lines, below a title
    assert any(sum(lab.pixel(0.5, y)) < 700 for y in heights)
    lab.tell(frame(1, arrays={}, text=["to be"], real_text=["or not"]))
    lab.until(lambda: "10" in lab.page.locator("#clock").text_content())


def test_the_page_keeps_whole_frames_of_a_bounded_size(lab):
    lab.open()
    script = """async ([count, byteLength]) => {
      const { RunHistory } = await import('/run_history.js');
      const history = new RunHistory();
      const arrays = { fake: { data: { byteLength } } };
      for (let frame = 0; frame < count; frame += 1) history.add({ frame, arrays });
      history.add({ frame: count - 1, arrays }); // the same again
      const kept = [...history.frames.keys()];
      history.cutFrom(0);
      return [kept.length, kept.at(-1), history.bytes];
    }"""
    color = 2 * 64 * 64 * 64 * 3  # fakes and reals
    assert lab.page.evaluate(script, [100, color]) == [40, 99, 0]
    assert lab.page.evaluate(script, [500, 16_000]) == [400, 499, 0]
    assert lab.page.evaluate(script, [3, 100_000_000]) == [1, 2, 0]


@pytest.mark.parametrize("width", [390, 768, 1400])
def test_the_page_is_never_wider_than_the_window(browser, width):
    with fake_lab(browser, width) as lab:
        lab.open()
        assert lab.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "height"), [(360, 640), (390, 844), (760, 900)])
def test_the_controls_stay_in_sight_and_cover_little(browser, width, height):
    with fake_lab(browser) as lab:
        lab.page.set_viewport_size({"width": width, "height": height})
        lab.open(hello(), state(frames=2), frame(0), frame(1))
        lab.page.keyboard.press(",")
        lab.until(lambda: lab.page.locator("#past").is_visible())  # more of it cannot be shown
        controls = lab.page.locator(".transport")
        area = controls.bounding_box()
        assert area["y"] + area["height"] == pytest.approx(height, abs=2)
        assert area["height"] < 0.3 * height
        layer = lab.page.locator(".layer-trajectories")
        layer.evaluate("(place) => place.scrollIntoView({ block: 'end' })")
        reached, bar = layer.bounding_box(), controls.bounding_box()
        assert reached["y"] + reached["height"] <= bar["y"]


@pytest.mark.parametrize(("width", "height"), [(320, 256), (640, 400)])
def test_the_controls_cover_nothing_of_a_low_window(browser, width, height):
    with fake_lab(browser) as lab:
        lab.page.set_viewport_size({"width": width, "height": height})
        lab.open()
        assert lab.page.locator(".transport").bounding_box()["y"] >= height


def test_curves_show_what_is_known_and_say_it(lab):
    lab.open(hello(), state(frames=3), frame(0), frame(1), frame(2))
    lab.until(lambda: lab.page.locator("[data-chart=modes]").is_visible())
    assert lab.page.locator("[data-chart=reverse_kl]").is_hidden()
    assert "3 of 8" in lab.page.locator("[data-chart=modes] .value").text_content()
    lab.until(
        lambda: "2.50" in lab.page.locator("[data-chart=losses] canvas").get_attribute("aria-label")
    )


def test_the_svg_has_every_layer_that_is_shown(lab):
    lab.open()
    script = """async (layers) => {
      const { pointsSvg } = await import('/sharing.js');
      const place = (step) => 20000 + 5000 * step;
      const nine = Array.from({ length: 9 }, (_, at) => [place(at % 3), place(Math.floor(at / 3))]);
      const points = { data: [0, 0, 65535, 65535], shape: [2, 2] };
      const later = { data: [32768, 0, 65535, 32768], shape: [2, 2] };
      const heat = { data: [0, 255, 0, 255], shape: [2, 2] };
      const make = (frame, fake) => ({ frame, heat_range: null, heat_level: 0.5, arrays: {
        fake, real: points, heat, grid: { data: nine.flat(), shape: [3, 3, 2] },
        arrows: { data: [0.1, 0], shape: [1, 2] } } });
      const frames = new Map([[0, make(0, points)], [1, make(1, later)]]);
      const history = { frames, before: () => [...frames.values()] };
      const chosen = Object.fromEntries(layers.map((name) => [name, true]));
      const text = pointsSvg(frames.get(1), { layers: chosen, bounds: [[0, 1], [0, 1]], history });
      const image = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
      return [image.querySelectorAll("parsererror").length, image.querySelectorAll("rect").length,
        [...image.querySelectorAll("path")].map((path) => path.getAttribute("d"))];
    }"""

    def drawn(*layers):
        errors, squares, paths = lab.page.evaluate(script, list(layers))
        assert errors == 0
        return squares, paths

    assert drawn() == (1, [])
    assert drawn("heat") == (5, [])
    assert drawn("fake") == (1, ["M400 800h0M800 400h0"])  # downward, unlike the plane
    squares, paths = drawn("real", "density")
    assert squares > 50  # two corners of cells, blurred
    assert paths == []
    assert len(drawn("grid")[1]) == 4
    levels, trails = drawn("trajectories")[1]
    assert trails == "M0 800L400 800M800 0L800 400"
    assert levels.startswith("M400")  # the level line of the frame before
    (arrow,) = drawn("arrows")[1]
    assert arrow.startswith("M400 800L480 800M480 800L")
    assert arrow.count("M") == 3


def test_few_lines_of_text_fill_the_picture(lab):
    told = hello(data="sequence", bounds=None, modes=None)
    texts = {"text": ["cat"] * 8, "real_text": ["dog"] * 8}
    lab.open(told, state(), frame(arrays={}, **texts))
    lab.layers("fake")

    lab.pixel(0.5, 0.5)  # once it is painted
    painted = lab.page.evaluate("""() => {
      const canvas = document.getElementById('picture-a');
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
      copy.drawImage(canvas, 0, 0);
      const below = Math.floor(0.6 * canvas.height);
      const { data } = copy.getImageData(0, below, canvas.width, canvas.height - below);
      return data.filter((value, at) => at % 4 === 0 && value < 128).length;
    }""")
    assert painted > 100
