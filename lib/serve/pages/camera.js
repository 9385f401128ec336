// All streams of one name: its renditions, and each of them in one or several codecs.
const PREVIEW_PX = 320;

class Camera {
  constructor(name) {
    this.name = name;
    this.streams = [];
    this.rests = false;  // was seen idle: it works on demand
  }
  update(streams) {
    this.streams = streams;
    this.rests ||= streams.some((s) => s.state === "idle");
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
  // What a small picture is made of: the narrowest of those that flow and fill it.
  get preview() {
    const flowing = this.streams.filter((s) => s.state === "flowing").sort((a, b) => a.width - b.width);
    const fitting = (some) => some.find((s) => s.width >= PREVIEW_PX) ?? some.at(-1);
    return fitting(flowing.filter((s) => s.codec === "mjpeg")) ?? fitting(flowing) ?? this.main;
  }
}

const pathOf = (stream) => encodeURIComponent(stream.name) + (stream.rendition ? "/" + encodeURIComponent(stream.rendition) : "");

const STATES = {flowing: "live", idle: "idle", waiting: "waiting", stalled: "stalled", ended: "ended", away: "away", gone: "gone"};

// Puts a state on what shows it.
function setState(node, stream, state) {
  if (node.dataset.state !== state) node.dataset.state = state;
  const stills = state === "flowing" && stream.codec !== null && stream.codec !== "mjpeg";
  setText(node.querySelector(".state b"), stills ? "stills" : STATES[state]);
}

// What lies over the picture; `what` "" takes it away.
function setVeil(node, what, why = "", busy = false) {
  const veil = node.querySelector(".veil");
  veil.hidden = what === "";
  veil.classList.toggle("busy", busy);
  setText(veil.querySelector("strong"), what);
  setText(veil.querySelector(".why"), why);
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
