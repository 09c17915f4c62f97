# SPDX-License-Identifier: MIT
"""What pages are sent: never more than two frames that nobody has looked at, and no old ones."""

import asyncio
import json
from itertools import pairwise

import numpy as np
import pytest

from ganbench.lab.kept_frames import KeptFrames
from ganbench.lab.lab_hub import MOST_TEXTS, Hub
from ganbench.lab.wire import Frame, pack_frame, unpack_frame

HELLO = {"kind": "hello", "recipe": {"model": "vanilla"}}


def packed(number, side="a", caption=""):
    header = {"frame": number, "side": side, "caption": caption, "numbers": {"modes": number}}
    return pack_frame(Frame(header, {"fake": np.zeros((500, 2), np.uint16)}))


def send(hub, **message):
    hub.text_came(message)


async def ready(page):
    """Everything that can be sent to a page now."""
    items = []
    while True:
        try:
            items.append(await asyncio.wait_for(page.next(), 0.01))
        except TimeoutError:
            return items


def numbers(items):
    return [unpack_frame(item).header["frame"] for item in items if isinstance(item, bytes)]


def test_two_frames_are_on_their_way_at_most_and_the_newest_wins():
    async def story():
        hub = Hub()
        page = hub.open()
        seen = []
        for number in range(5):
            hub.frame_came(packed(number))
            seen += numbers(await ready(page))
        assert seen == [0, 1]
        assert page.waiting == 1
        page.acknowledge()
        assert numbers(await ready(page)) == [4]
        page.acknowledge()
        assert await ready(page) == []

    asyncio.run(story())


def test_what_is_seen_of_one_side_lets_no_frame_of_the_other_through():
    async def story():
        hub = Hub()
        page = hub.open()
        for number in range(3):
            for side in "ab":
                hub.frame_came(packed(number, side))
            await ready(page)
        page.acknowledge("a")
        page.acknowledge("a")
        (frame,) = await ready(page)
        assert unpack_frame(frame).header["side"] == "a"
        page.acknowledge("b")
        (frame,) = await ready(page)
        assert unpack_frame(frame).header["side"] == "b"

    asyncio.run(story())


def test_each_side_forgets_its_frames_when_it_begins_itself():
    async def story():
        hub = Hub()
        page = hub.open()
        for side in "ab":
            hub.frame_came(packed(7, side))
        hub.side_came(HELLO)
        hub.side_came({"kind": "diagnosis", "sentences": ["b"]})
        hub.frame_came(packed(0, "b"))
        send(hub, **HELLO)  # the first side begins after the second
        assert hub.kept["a"].at(0) is None
        assert hub.kept["b"].at(0) == hub.kept["b"].at(7) == packed(0, "b")
        for looking in (page, hub.open()):  # nothing of the run before is sent any more
            items = await ready(looking)
            sides = [unpack_frame(item).header["side"] for item in items if type(item) is bytes]
            assert (sides, numbers(items)) == (["b"], [0])
            assert any("sentences" in item for item in items if isinstance(item, str))

    asyncio.run(story())


def test_a_page_that_never_reads_costs_one_frame_and_is_given_up():
    async def story():
        hub = Hub()
        page = hub.open()
        for number in range(5000):
            hub.frame_came(packed(number))
        assert page.waiting == 1
        for _ in range(3 * MOST_TEXTS):
            send(hub, kind="diagnosis")
        assert page.waiting <= MOST_TEXTS + 1
        assert await page.next() is None

    asyncio.run(story())


def test_a_page_that_comes_later_is_told_what_it_must_know():
    async def story():
        hub = Hub()
        send(hub, **HELLO)
        send(hub, kind="state", state="paused")
        send(hub, kind="state", state="playing")
        hub.frame_came(packed(0))
        send(hub, kind="event", frame=3, recipe={"model": "dcgan"}, what="loss = hinge")
        hub.frame_came(packed(7))
        assert hub.recipe == {"model": "dcgan"}
        items = await ready(hub.open())
        kinds = [json.loads(item)["kind"] for item in items if isinstance(item, str)]
        assert kinds == ["hello", "state", "event", "past"]
        past = json.loads(items[3])
        assert (past["side"], [row["frame"] for row in past["rows"]]) == ("a", [0, 7])
        assert past["rows"][1]["numbers"] == {"modes": 7}
        assert json.loads(items[1])["state"] == "playing"
        assert numbers(items) == [7]
        send(hub, **HELLO)
        items = await ready(hub.open())
        assert [json.loads(item)["kind"] for item in items] == ["hello", "state"]

    asyncio.run(story())


def told(page):
    """The texts that wait for a page, by kind, in order."""
    return [json.loads(text) for text in page._texts]


def test_the_hello_of_a_page_that_comes_later_is_of_the_run_as_it_is_now():
    hub = Hub()
    before = {"recipe": {"model": "vanilla"}, "resolved": {"loss": "a"}, "graph": {"boxes": [1]}}
    code = {"toml": "a", "command": "b", "python": "c", "exact": True}
    after = {"recipe": {"model": "dcgan"}, "resolved": {"loss": "b"}, "graph": {"boxes": [2]}}
    changed = {"toml": "d", "command": "e", "python": "f", "exact": False}
    send(hub, kind="hello", choices=[1], **before, **code)
    send(hub, kind="event", frame=5, what="loss = b", **after)
    send(hub, kind="code", **changed)
    hello, event = told(hub.open())
    assert hello == {"kind": "hello", "choices": [1], **after, **changed}
    assert event["what"] == "loss = b"
    send(hub, kind="cut", frame=5)  # a fork to before the change
    send(hub, kind="recipe", **before)
    send(hub, kind="code", **code)
    assert told(hub.open()) == [{"kind": "hello", "choices": [1], **before, **code}]
    assert hub.recipe == before["recipe"]
    send(hub, kind="code", **changed)
    send(hub, kind="hello", **before, **code)  # another run, of which no older code is told
    assert told(hub.open()) == [{"kind": "hello", **before, **code}]


def test_a_page_that_comes_after_many_changes_is_not_given_up():
    async def story():
        hub = Hub()
        send(hub, **HELLO)
        hub.side_came(HELLO)
        send(hub, kind="state", state="playing")
        for number in range(3 * MOST_TEXTS):
            send(hub, kind="event", frame=number, recipe={}, what=str(number))
        for side in "ab":
            hub.frame_came(packed(3 * MOST_TEXTS, side))
        page = hub.open()
        send(hub, kind="state", state="paused")
        assert not page.lost
        texts = [json.loads(item) for item in await ready(page) if isinstance(item, str)]
        events = [text["what"] for text in texts if text["kind"] == "event"]
        assert events[-1] == str(3 * MOST_TEXTS - 1)

    asyncio.run(story())


def test_a_page_that_comes_later_is_told_of_both_sides():
    async def story():
        hub = Hub()
        send(hub, **HELLO)
        hub.side_came(HELLO)
        send(hub, kind="diagnosis", sentences=["a"])
        hub.side_came({"kind": "diagnosis", "sentences": ["b"]})
        for side in "ab":
            hub.frame_came(packed(0, side=side))
        told = [json.loads(item) for item in await ready(hub.open()) if isinstance(item, str)]
        kinds = [(message["kind"], message.get("side", "")) for message in told]
        both = [("hello", ""), ("side", "b"), ("diagnosis", ""), ("diagnosis", "b")]
        assert kinds == [*both, ("past", "a"), ("past", "b")]
        assert told[3]["sentences"] == ["b"]
        hub.forget_other_side()
        told = [json.loads(item) for item in await ready(hub.open()) if isinstance(item, str)]
        assert [message["kind"] for message in told] == ["hello", "diagnosis", "past"]

    asyncio.run(story())


def test_an_answer_goes_to_the_page_that_asked():
    async def story():
        hub = Hub()
        first, second = hub.open(), hub.open()
        send(hub, kind="point", client=second.number)
        send(hub, kind="point", client=77)
        assert await ready(first) == []
        (answer,) = await ready(second)
        assert json.loads(answer) == {"kind": "point"}

    asyncio.run(story())


def test_a_frame_of_the_past_is_sent_again_until_a_fork_cuts_it_off():
    async def story():
        hub = Hub()
        page = hub.open()
        for number in range(9):
            hub.frame_came(packed(number, caption="" if number % 2 == 0 else "words"))
        for side in "ab":
            hub.frame_came(packed(20, side=side))
        hub.kept["a"].forget_from(20)
        hub.kept["b"].forget_from(0)
        assert numbers(await ready(page)) == [20, 20]
        for side in "ab":
            page.acknowledge(side)
        hub.seek(page, 5)  # frames with captions are not kept
        assert numbers(await ready(page)) == [4]
        send(hub, kind="cut", frame=3)
        page.acknowledge()
        hub.seek(page, 8)
        assert numbers(await ready(page)) == [2]

    asyncio.run(story())


@pytest.mark.parametrize("side", ["a", "b"])
def test_no_newer_frame_takes_the_place_of_one_that_was_asked_for(side):
    async def story():
        hub = Hub()
        page = hub.open()
        for number in range(5):
            hub.frame_came(packed(number, side))
            await ready(page)
        hub.seek(page, 1)
        hub.frame_came(packed(5, side))  # which a pause shows
        page.acknowledge(side)
        page.acknowledge(side)
        assert numbers(await ready(page)) == [1, 5]

    asyncio.run(story())


def test_a_page_that_seeks_is_told_which_frame_it_is_sent_and_which_comes_next():
    async def story():
        hub = Hub()
        page = hub.open()

        async def sought(number):
            hub.seek(page, number)
            items = await ready(page)
            page.acknowledge()
            return json.loads(items[0]), numbers(items)

        answer = {"kind": "sought", "found": {}, "next": None}
        assert await sought(3) == ({**answer, "frame": 3}, [])
        for number in (0, 4, 8):
            hub.frame_came(packed(number))
            await ready(page)
            page.acknowledge()
        assert await sought(7) == ({**answer, "frame": 7, "found": {"a": 4}, "next": 8}, [4])
        assert await sought(8) == ({**answer, "frame": 8, "found": {"a": 8}}, [8])

    asyncio.run(story())


def test_a_cut_reaches_all_pages_and_no_frame_that_it_drops_is_sent_after_it():
    async def story():
        hub = Hub()
        pages = hub.open(), hub.open()
        for number in range(9):
            hub.frame_came(packed(number))
            for page in pages:
                await ready(page)  # frame 0 and 1; of the others the newest waits
        hub.seek(pages[0], 7)
        hub.seek(pages[1], 3)
        send(hub, kind="cut", frame=5)
        for page, past in zip(pages, ([], [3]), strict=True):
            page.acknowledge()
            page.acknowledge()
            items = await ready(page)
            texts = [json.loads(item) for item in items if isinstance(item, str)]
            assert texts[-1] == {"kind": "cut", "frame": 5}
            assert numbers(items) == past
        assert numbers(await ready(hub.open())) == [4]
        send(hub, kind="cut", frame=0)
        assert numbers(await ready(hub.open())) == []

    asyncio.run(story())


@pytest.mark.parametrize(("most", "most_bytes"), [(100, 10**9), (10**9, 100 * 500)])
def test_the_past_is_bounded_and_thinned_where_it_is_old(most, most_bytes):
    kept = KeptFrames(most, most_bytes)
    for number in range(3000):
        kept.add(number, bytes(500))
        assert len(kept) <= 100
    assert kept.bytes_kept == 500 * len(kept) <= 500 * 100
    numbers = list(kept._frames)
    assert numbers[0] == 0
    assert numbers[-20:] == list(range(2980, 3000))
    gaps = [after - before for before, after in pairwise(numbers)]
    assert sum(gaps[:10]) > sum(gaps[-10:])
    assert kept.at(-5) == kept.at(0) == bytes(500)
    assert KeptFrames().at(3) is None
    few = kept.sampled(10)
    assert len(few) == 10
    assert kept.sampled(1000) == list(kept._frames.values())
