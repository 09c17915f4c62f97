// SPDX-License-Identifier: MIT
// Where the page's messages and frames come from: the socket of a live lab, or a recording.
// Both have `send(message)` and call `heard(message)`, `seen(frame)` and `lost(everConnected)`.

import { parseFrame, readRecording } from "./wire.js";

const RECORDED_FRAMES_PER_SECOND = 12;
const LONGEST_WAIT = 8000;

/** A live lab. */
export class SocketSource {
  live = true;

  constructor(calls) {
    this.calls = calls;
    this.everConnected = false;
    this.wait = 500;
    this.connect();
    addEventListener("online", () => this.connect());
    document.addEventListener("visibilitychange", () => document.hidden || this.connect());
  }

  connect() {
    if (this.socket && this.socket.readyState <= WebSocket.OPEN) return;
    const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/socket`;
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.everConnected = true;
      this.wait = 500;
      this.calls.connected();
    };
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") this.calls.heard(JSON.parse(data));
      else this.calls.seen(parseFrame(data));
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.calls.lost(this.everConnected);
      setTimeout(() => this.connect(), this.wait);
      this.wait = Math.min(LONGEST_WAIT, 2 * this.wait);
    };
    this.socket = socket;
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
}

/** A recorded run, in the element `recording` of the page. */
export class RecordedSource {
  live = false;

  constructor(calls, text) {
    this.calls = calls;
    this.place = 0;
    this.playing = false;
    this.factor = 1;
    readRecording(text).then((records) => this.begin(records));
  }

  begin(records) {
    this.frames = records.filter((record) => record instanceof ArrayBuffer).map(parseFrame);
    this.frames.forEach((frame, place) => {
      frame.frame = place;
      frame.arrays.real ??= this.frames[0].arrays.real; // only the first frame has what stays the same
    });
    this.diagnoses = [];
    let reached = 0;
    for (const record of records) {
      if (record instanceof ArrayBuffer) reached += 1;
      else if (record.kind === "diagnosis") this.diagnoses.push([Math.max(0, reached - 1), record]);
      else if (record.kind === "event") this.calls.heard({ ...record, frame: Math.max(0, reached - 1) });
      else if (record.kind !== "state") this.calls.heard(record);
    }
    this.calls.remember(this.frames);
    this.show(0);
    this.tell();
  }

  send(message) {
    const last = this.frames.length - 1;
    if (message.kind === "play") {
      this.playing = true;
      if (this.place >= last) this.place = -1;
      this.next();
    } else if (message.kind === "pause") this.playing = false;
    else if (message.kind === "step") {
      this.playing = false;
      this.show(Math.min(last, this.place + 1));
    } else if (message.kind === "seek") {
      this.playing = false;
      this.show(Math.max(0, Math.min(last, message.frame)));
    } else if (message.kind === "speed") this.factor = message.factor;
    else return;
    this.tell();
  }

  next() {
    clearTimeout(this.timer);
    if (!this.playing) return;
    this.show(this.place + 1);
    if (this.place >= this.frames.length - 1) this.playing = false;
    if (this.playing) this.timer = setTimeout(() => this.next(), 1000 / RECORDED_FRAMES_PER_SECOND / this.factor);
    else this.tell();
  }

  show(place) {
    this.place = place;
    const told = this.diagnoses.filter(([frame]) => frame <= place).at(-1);
    this.calls.heard(told ? told[1] : { kind: "diagnosis", sentences: [], tricks: [] });
    this.calls.seen(this.frames[place]);
  }

  tell() {
    const state = this.playing ? "playing" : "paused";
    this.calls.heard({ kind: "state", state, speed: null, slow: false, frame: this.place, frames: this.frames.length, reason: "" });
  }
}
