// Takes a multipart answer apart as it comes. camserve gives the length of each part, so no picture is searched for its end.
const MAX_PART_BYTES = 64 << 20, MAX_LINE_BYTES = 4096;

class ByteReader {
  constructor(body) {
    this.reader = body.getReader();
    this.chunk = new Uint8Array(0);
    this.at = 0;
  }
  async fill() {
    const {done, value} = await this.reader.read();
    if (done) throw new Error("the stream ended");
    this.chunk = value;
    this.at = 0;
  }
  // Up to CR LF, without it.
  async line() {
    for (let text = ""; text.length < MAX_LINE_BYTES;) {
      if (this.at === this.chunk.length) await this.fill();
      const newline = this.chunk.indexOf(10, this.at), end = newline < 0 ? this.chunk.length : newline + 1;
      for (; this.at < end; this.at++) text += String.fromCharCode(this.chunk[this.at]);
      if (newline >= 0) return text.trimEnd();
    }
    throw new Error("no multipart answer");
  }
  async block(length) {
    const bytes = new Uint8Array(length);
    for (let have = 0; have < length;) {
      if (this.at === this.chunk.length) await this.fill();
      const piece = this.chunk.subarray(this.at, this.at + length - have);
      bytes.set(piece, have);
      have += piece.length;
      this.at += piece.length;
    }
    return bytes;
  }
}

// The bytes of the next part.
async function nextPart(bytes) {
  let line = "", length = 0;
  while (!line.startsWith("--")) line = await bytes.line();
  for (line = await bytes.line(); line !== ""; line = await bytes.line()) {
    const colon = line.indexOf(":");
    if (line.slice(0, colon).toLowerCase() === "content-length") length = Number(line.slice(colon + 1));
  }
  if (!(length > 0 && length <= MAX_PART_BYTES)) throw new Error("a part without a length");
  return bytes.block(length);
}
