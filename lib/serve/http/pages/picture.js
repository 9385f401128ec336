// Shows one stream in a canvas: live, by stills, or what was there last.
//
// Live pictures are read by script rather than by an <img>: so it is known when the last one came, a connection ends when it
// is told to, and each picture shows when it is there (an <img> shows it when the next one begins).
const RETRY_MS = 1000, LIVE_PATIENCE_MS = 6000;
const OFF = {mode: "off"};

// Stills are asked for by two at a time, whatever the number of tiles.
const turns = {free: 2, waiting: []};
async function takeTurn() {
  if (turns.free > 0) turns.free--;
  else await new Promise((resolve) => turns.waiting.push(resolve));
}
function giveTurn() {
  if (turns.waiting.length > 0) turns.waiting.shift()();
  else turns.free++;
}

class Picture {
  static liveFails = 0;    // times in a row that a live answer brought nothing
  static lastPartAt = 0;   // of all live ones: somebody answers

  constructor(screen) {
    this.screen = screen;
    this.canvas = screen.querySelector("canvas");
    this.want = OFF;
    this.stop = new AbortController();
    this.trouble = "";   // why there is no picture, as the server says it
    this.shown = 0;      // pictures of the stream that is wanted
    this.lastPart = 0;   // when something came, by performance.now()
    this.next = null;
    this.drawing = false;
  }

  // Some proxies hold back an answer that has no end: then stills do, one after the other.
  static get liveWorks() { return Picture.liveFails < 2; }

  /// want: {mode: "off"}, {mode: "live", path, query} or {mode: "stills", path, query, every} (ms from one to the next)
  show(want) {
    if (["mode", "path", "query", "every"].every((key) => want[key] === this.want[key])) return;
    if (want.mode !== "off" && want.path !== this.path) {
      this.path = want.path;
      this.shown = 0;
    }
    this.want = want;
    this.restart();
  }
  restart() {
    this.stop.abort();
    this.stop = new AbortController();
    this.next = null;
    this.trouble = "";
    this.lastPart = performance.now();
    if (this.want.mode !== "off") this.run(this.want, this.stop.signal);
  }
  /// While the stream flows at `fps`: one whose connection went silent is joined again.
  check(fps) {
    if (this.want.mode !== "live" || performance.now() - this.lastPart < Math.max(LIVE_PATIENCE_MS, 3000 / fps)) return;
    if (this.shown === 0) Picture.liveFails++;
    this.restart();
  }
  clear() {
    this.path = undefined;
    this.shown = 0;
    this.canvas.width = this.canvas.width;
  }
  copy(other) {
    this.path = other.path;
    this.shown = other.shown;
    this.canvas.width = other.canvas.width;
    this.canvas.height = other.canvas.height;
    this.canvas.getContext("2d").drawImage(other.canvas, 0, 0);
  }

  async run(want, signal) {
    while (!signal.aborted) {
      try {
        if (want.mode === "live") await this.live(want, signal);
        else await this.still(want, signal);
        this.trouble = "";
        await pause(want.every ?? 0, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.trouble = error instanceof Refusal ? error.message : "";
        await pause(Math.max(want.every ?? 0, RETRY_MS), signal);
      }
    }
  }
  async live(want, signal) {
    const answer = await ask(`stream/${want.path}?as=bytes${want.query}`, signal);
    const bytes = new ByteReader(answer.body);
    let parts = 0;
    try {
      for (;; parts++) {
        const jpeg = await nextPart(bytes);
        Picture.lastPartAt = this.lastPart = performance.now();
        Picture.liveFails = 0;
        this.offer(jpeg, signal);
      }
    } catch (error) {
      if (parts === 0 && !signal.aborted) Picture.liveFails++;
      throw error;
    }
  }
  async still(want, signal) {
    await takeTurn();
    try {
      if (signal.aborted) return;
      const answer = await ask(`snapshot/${want.path}.jpg${want.query}`, signal);  // an answer comes in any case
      this.offer(new Uint8Array(await answer.arrayBuffer()), signal);
    } finally { giveTurn(); }
  }

  // One is decoded at a time; of those that come meanwhile the newest is next.
  async offer(jpeg, signal) {
    this.next = {jpeg, signal};
    if (this.drawing) return;
    this.drawing = true;
    while (this.next) {
      const one = this.next;
      this.next = null;
      try { await this.draw(one); } catch { /* a damaged picture */ }
    }
    this.drawing = false;
  }
  async draw({jpeg, signal}) {
    const bitmap = await createImageBitmap(new Blob([jpeg], {type: "image/jpeg"}));
    if (!signal.aborted) {
      // No more pixels than the screen shows: a page of many tiles stays small.
      const room = this.screen.clientWidth * devicePixelRatio, shrink = room > 0 ? Math.min(1, room / bitmap.width) : 1;
      const width = Math.max(1, Math.round(bitmap.width * shrink)), height = Math.max(1, Math.round(bitmap.height * shrink));
      if (this.canvas.width !== width) this.canvas.width = width;
      if (this.canvas.height !== height) this.canvas.height = height;
      this.canvas.getContext("2d").drawImage(bitmap, 0, 0, width, height);
      if (this.shown++ === 0) this.onFirst?.();
    }
    bitmap.close();
  }
}

// What the server says when it gives no picture.
class Refusal extends Error {}

/// Addresses are relative to the page: a proxy may have it in a folder of its own.
async function ask(url, signal) {
  const answer = await fetch(url, {cache: "no-store", signal});
  if (!answer.ok) throw new Refusal((await answer.text()).trim());
  return answer;
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
