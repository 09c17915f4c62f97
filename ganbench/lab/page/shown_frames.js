// SPDX-License-Identifier: MIT
// Which frame of each side is shown: the newest, or one of the past that the reader seeks.

import { RunHistory } from "./run_history.js";

const SIDES = ["a", "b"];

export class ShownFrames {
  /** `page` has `live`, `playing`, `twoSides`, `send(message)`, `schedule()`, and `source`, which takes what is seen. */
  constructor(page) {
    this.page = page;
    this.histories = { a: new RunHistory(), b: new RunHistory() };
    this.shown = { a: null, b: null };
    this.waiting = new Map(); // the frames to paint next, by side
    this.newest = 0;
    this.sought = null; // the number of the frame of the past that the reader wants to see
    this.wanted = {}; // by side, the frame to show for it: itself, or what the lab has kept in its place
    this.after = null; // the frame from which the reader goes forward
  }

  /** Whether the reader looks at a frame of the past. */
  get looksBack() {
    return this.page.live && this.sought !== null && this.shown.a !== null && this.shown.a.frame < this.newest;
  }

  /** Begins with another run. The second side says itself when it begins, maybe before the first. */
  begin() {
    this.forget("a");
    this.sought = null;
    this.newest = 0;
  }

  /** Forgets what was seen of a side, a frame that waits to be painted included. */
  forget(side) {
    this.forgetWaiting(side);
    this.histories[side].forget();
    this.shown[side] = null;
  }

  forgetWaiting(side) {
    const waiting = this.waiting.get(side);
    if (waiting) this.acknowledge(waiting);
    this.waiting.delete(side);
  }

  /** Forgets all from a frame on, which a fork comes to again. */
  cutFrom(frame) {
    for (const side of SIDES) {
      this.histories[side].cutFrom(frame);
      if (this.waiting.get(side)?.frame >= frame) this.forgetWaiting(side);
    }
    this.newest = Math.min(this.newest, frame);
    if (this.sought >= frame) this.sought = null;
  }

  see(frame) {
    const side = frame.side ?? "a";
    this.histories[side].add(frame);
    if (this.isFor(frame)) {
      this.forgetWaiting(side);
      this.waiting.set(side, frame);
    } else this.acknowledge(frame); // it must not take the place of the frame that is sought
    this.newest = Math.max(this.newest, frame.frame);
    this.page.schedule();
  }

  /** Tells whether a frame is to be shown now: while the reader looks back, only the one that was sought last is. */
  isFor(frame) {
    return this.sought === null || frame.frame === this.wanted[frame.side ?? "a"];
  }

  acknowledge(frame) {
    if (this.page.live) this.page.source.send({ kind: "ack", frame: frame.frame, side: frame.side ?? "a" });
  }

  /** Shows the frames that wait, just before they are painted. */
  showWaiting() {
    for (const [side, frame] of this.waiting) {
      this.acknowledge(frame);
      if (this.isFor(frame)) this.shown[side] = frame;
    }
    this.waiting.clear();
  }

  /**
   * Shows a frame of the past. The lab has the last one that it has kept at or before it; with a `direction` of 1 it
   * is one after the frame that is shown now.
   */
  seek(frame, direction = 0) {
    const place = Math.max(0, Math.min(this.newest, frame));
    if (!this.page.live) {
      this.page.send({ kind: "seek", frame: place });
      return;
    }
    if (this.page.playing) this.page.send({ kind: "pause" });
    this.sought = place;
    this.wanted = { a: place, b: place };
    this.after = direction > 0 ? this.shown.a?.frame : null;
    const sides = this.page.twoSides ? SIDES : ["a"];
    for (const side of sides) this.shown[side] = this.histories[side].frames.get(place) ?? this.shown[side];
    if (sides.some((side) => !this.histories[side].frames.has(place))) this.page.send({ kind: "seek", frame: place });
    this.page.schedule();
  }

  /** Takes which frames the lab has kept for the one that was sought, and the number of the next one. */
  takeFound({ frame, found, next }) {
    if (frame !== this.sought) return; // an earlier seek
    if (this.after !== null && found.a <= this.after) {
      if (next === null) this.goBack();
      else this.seek(next);
      return;
    }
    for (const side of SIDES) if (this.shown[side]?.frame !== frame) this.wanted[side] = found[side];
  }

  /** Shows the frame before (-1) or after (1) the one that is shown; not every frame is kept. */
  seekBy(direction) {
    if (!this.shown.a) return;
    const { rows } = this.histories.a;
    const now = this.shown.a.frame;
    const next = direction > 0 ? rows.find(({ frame }) => frame > now) : rows.findLast(({ frame }) => frame < now);
    if (next) this.seek(next.frame, direction);
  }

  /** Shows the present again. */
  goBack() {
    if (!this.page.live || this.sought === null) return;
    this.sought = null;
    this.page.send({ kind: "seek", frame: this.newest });
    for (const side of SIDES) this.shown[side] = this.histories[side].before(this.newest, 1).at(-1) ?? this.shown[side];
    this.page.schedule();
  }

  /** Lets frames be shown as they come. */
  showPresent() {
    this.sought = null;
  }
}
