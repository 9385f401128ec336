// All streams of one name: its renditions, and each of them in one or several codecs.
const STEADY_MS = 10000;

class Camera {
  constructor(name) {
    this.name = name;
    this.streams = [];
    this.rests = false;   // was seen idle: it works on demand
    this.steady = false;  // flows though nobody wants it to
    this.unwantedSince = null;
    this.tileWidth = 0;   // CSS pixels
  }
  update(streams) {
    this.streams = streams;
    this.rests ||= streams.some((s) => s.state === "idle");
    const flowing = streams.filter((s) => s.state === "flowing");
    if (flowing.length === 0 || flowing.some((s) => s.wanted)) this.unwantedSince = null;
    else this.unwantedSince ??= performance.now();
    // What cannot be asked flows by itself; what can goes on for a while after it was wanted.
    this.steady ||= this.unwantedSince !== null && performance.now() - this.unwantedSince > STEADY_MS;
    if (streams.every((s) => !s.can_rest)) this.steady = true;
    if (this.rests) this.steady = false;
  }
  get renditions() { return [...new Set(this.streams.map((s) => s.rendition))]; }
  get clients() { return this.streams.reduce((sum, s) => sum + s.clients, 0); }

  // What is shown of a rendition when it is opened: MJPEG that comes or can be woken, else what stills can be made of.
  stream(rendition) {
    const own = this.streams.filter((s) => s.rendition === rendition), mjpeg = own.filter((s) => s.codec === "mjpeg");
    return mjpeg.find((s) => s.state === "flowing") ?? mjpeg.find((s) => s.state === "idle") ?? own.find((s) => s.state === "flowing") ??
        mjpeg[0] ?? own[0];
  }
  get main() { return this.stream(this.renditions[0]); }
  // What a small picture is made of: the narrowest of those that flow and do not look coarse in it.
  get preview() {
    const flowing = this.streams.filter((s) => s.state === "flowing").sort((a, b) => a.width - b.width);
    const fitting = (some) => some.find((s) => s.width >= this.tileWidth * .7) ?? some.at(-1);
    return fitting(flowing.filter((s) => s.codec === "mjpeg")) ?? fitting(flowing) ?? this.main;
  }
}

const pathOf = (stream) => encodeURIComponent(stream.name) + (stream.rendition ? "/" + encodeURIComponent(stream.rendition) : "");

// Puts a state on what shows it: one of the server's, or "away" (the server is), or "gone" (the stream is).
function setState(node, stream, state) {
  const alarm = state === stream.state ? stream.alarm : "red";
  if (node.dataset.state !== state) node.dataset.state = state;
  if (node.dataset.alarm !== alarm) node.dataset.alarm = alarm;
  setText(node.querySelector(".state b"),
          isLost(stream, state) ? "camera lost" : state !== "flowing" ? state : stream.codec === "mjpeg" ? "live" : "stills");
}

// The writer of the stream says that its camera or server is away.
const isLost = (stream, state) => state === "stalled" && stream.source?.state === "lost";

// "12 s ago: Connection refused"; by this browser's clock, so never before it was heard of.
function lostWhy(stream) {
  const since = (Date.now() - Date.parse(stream.source.since)) / 1000;
  return `${ago(Math.max(since, 1.5))}${stream.source.reason ? ": " + stream.source.reason : ""}`;
}

// What lies over the picture; `what` "" takes it away.
function setVeil(node, what, why = "", busy = false) {
  const veil = node.querySelector(".veil");
  veil.hidden = what === "";
  veil.classList.toggle("busy", busy);
  setText(veil.querySelector("strong"), what);
  setText(veil.querySelector(".why"), why);
}

// Says over the picture why there is none; `idle` is said of a stream that rests.
function cover(node, stream, state, picture, idle) {
  if (state === "away") setVeil(node, "no answer", "camserve is asked again every second");
  else if (state === "idle") setVeil(node, ...idle);
  else if (isLost(stream, state)) setVeil(node, "camera lost", lostWhy(stream));
  else if (state !== "flowing") setVeil(node, state, stream.reason, state === "waiting");
  else if (picture.shown > 0) setVeil(node, "");
  else if (picture.trouble) setVeil(node, "no picture", picture.trouble);
  else setVeil(node, stream.codec === "mjpeg" ? "connecting" : "making a picture of a keyframe", "", true);
}

// What is known of a stream; while the server is away, what lasts.
function factsOf(stream, camera, away) {
  const flowing = stream.state === "flowing" && !away;
  return {
    fps: flowing ? `${number(stream.fps, 1)} fps` : "",
    size: stream.width ? `${stream.width}×${stream.height}` : "",
    codec: stream.codec ? codecName(stream.codec) : "",
    bits: flowing ? bitRate(stream.bits_per_second) : "",
    age: away || stream.age_s === null ? "" : ago(stream.age_s),
    clients: away ? "" : counted(camera.clients, "client"),
    audio: stream.audio ? codecName(stream.audio) : "",
    renditions: camera.renditions.length > 1 ? camera.renditions.map((r) => r || "default").join(", ") : "",
  };
}
