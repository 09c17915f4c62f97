// SPDX-License-Identifier: MIT
// What the page has seen of a side's run: the numbers of every frame, and the newest frames whole.

const MOST_FRAMES = 400;
const MOST_BYTES = 64e6; // as many as the server keeps; a frame of large images has more than a million
const MOST_NUMBERS = 4000;

export class RunHistory {
  constructor() {
    this.forget();
  }

  forget() {
    this.rows = []; // {frame, iteration, kimg, numbers, boxes}, by frame
    this.frames = new Map(); // the one that came first is the first to go
    this.bytes = 0;
  }

  /** Drops all from a frame on. */
  cutFrom(frame) {
    this.rows = this.rows.filter((row) => row.frame < frame);
    for (const number of this.frames.keys()) if (number >= frame) this.drop(number);
  }

  add(frame) {
    this.drop(frame.frame);
    this.frames.set(frame.frame, frame);
    this.bytes += bytesOf(frame);
    while (this.frames.size > MOST_FRAMES || (this.bytes > MOST_BYTES && this.frames.size > 1)) this.drop(this.frames.keys().next().value);
    const { iteration, kimg, numbers, boxes, caption } = frame;
    this.addRow({ frame: frame.frame, iteration, kimg, numbers, boxes }, !caption);
  }

  /** Drops a frame's picture; its numbers stay. */
  drop(number) {
    if (!this.frames.has(number)) return;
    this.bytes -= bytesOf(this.frames.get(number));
    this.frames.delete(number);
  }

  /** Adds the numbers of a frame, in place of those of a caption in slow motion. */
  addRow(row, whole = true) {
    let place = this.rows.length;
    while (place > 0 && this.rows[place - 1].frame >= row.frame) place -= 1;
    const same = this.rows[place]?.frame === row.frame;
    if (!same || whole) this.rows.splice(place, same ? 1 : 0, row);
    if (this.rows.length > MOST_NUMBERS) this.rows = this.rows.filter((_, at) => at % 2 === 0 || at > MOST_NUMBERS - 100);
  }

  /** Returns up to `count` frames at or before one, evenly spaced, the oldest first. */
  before(frame, count, reach = 60) {
    const numbers = [...this.frames.keys()].filter((number) => number <= frame).sort((a, b) => a - b).slice(-reach);
    const every = Math.max(1, Math.ceil(numbers.length / count));
    const chosen = numbers.filter((_, place) => (numbers.length - 1 - place) % every === 0);
    return chosen.map((number) => this.frames.get(number));
  }
}

function bytesOf({ arrays }) {
  return Object.values(arrays).reduce((sum, { data }) => sum + data.byteLength, 0);
}
