// SPDX-License-Identifier: MIT
// Frames and recordings: bytes in, headers and typed arrays out. The format is that of lab/wire.py.

const ARRAYS = { u1: Uint8Array, i1: Int8Array, u2: Uint16Array, f4: Float32Array };
const [TEXT, DIFFERENCES] = [0, 2];
const decoder = new TextDecoder();

/** Returns the number that sixteen bits are as a float of half precision. */
export function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const [power, part] = [(bits >> 10) & 31, bits & 1023];
  if (power === 31) return part ? NaN : sign * Infinity;
  return sign * (power ? 2 ** (power - 15) * (1 + part / 1024) : 2 ** -14 * (part / 1024));
}

/** Reads a frame: its header's fields, and `arrays` by name, each with `data` and `shape`. */
export function parseFrame(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(decoder.decode(new Uint8Array(buffer, 4, length)));
  const arrays = {};
  let start = 4 + length;
  for (const { name, dtype, shape } of header.arrays) {
    const count = shape.reduce((product, size) => product * size, 1);
    const data = dtype === "f2" ? Float32Array.from(new Uint16Array(buffer, start, count), half) : new ARRAYS[dtype](buffer, start, count);
    arrays[name] = { data, shape };
    const size = count * Number(dtype[1]);
    start += size + ((4 - (size % 4)) % 4);
  }
  return { ...header, arrays };
}

/** Reads a recording written in base64: a list of texts (objects) and frames (buffers). */
export async function readRecording(text) {
  const packed = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const opened = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const buffer = await new Response(opened).arrayBuffer();
  const view = new DataView(buffer);
  const records = [];
  let before = null;
  for (let start = 0; start < buffer.byteLength; ) {
    const length = view.getUint32(start, true);
    const kind = view.getUint8(start + 4);
    const bytes = buffer.slice(start + 5, start + 5 + length);
    if (kind === DIFFERENCES) addArrays(bytes, before);
    if (kind !== TEXT) before = bytes;
    records.push(kind === TEXT ? JSON.parse(decoder.decode(bytes)) : bytes);
    start += 5 + length;
  }
  return records;
}

/** Adds the bytes of a frame's arrays to those of the next, which holds differences. */
function addArrays(frame, before) {
  const [now, then] = [arraysOf(frame), arraysOf(before)];
  for (let place = 0; place < now.length; place += 1) now[place] += then[place];
}

function arraysOf(frame) {
  return new Uint8Array(frame, 4 + new DataView(frame).getUint32(0, true));
}
