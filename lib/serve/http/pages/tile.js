// One stream in the grid. Looking at the grid wakes no stream that rests and keeps none awake: what can rest is looked at by
// stills that wake nothing, and live only once it has been seen to flow while nobody wanted it.
const GRID_FPS = 10, STILL_MS = 1000, KEYFRAME_STILL_MS = 15000, LAST_STILL_MS = 3600000;

const onScreen = new IntersectionObserver((entries) => {
  for (const entry of entries) entry.target.tile.visible = entry.isIntersecting;
  assign();
}, {rootMargin: "80px"});

class Tile {
  constructor(camera) {
    this.camera = camera;
    this.visible = false;
    this.node = byId("tile").content.firstElementChild.cloneNode(true);
    this.node.tile = this;
    this.picture = new Picture(this.node.querySelector(".screen"));
    this.picture.onFirst = () => this.update(away);
    this.picture.canvas.setAttribute("aria-label", `picture of ${camera.name}`);
    this.link = this.node.querySelector("a");
    this.link.textContent = camera.name;
    this.link.href = `#${camera.name}`;
    onScreen.observe(this.node);
  }
  remove() {
    onScreen.unobserve(this.node);
    this.picture.show(OFF);
    this.node.remove();
  }

  // What its picture is to do when there is a connection left for a live one, or none.
  wish(connectionLeft) {
    this.camera.tileWidth = this.node.clientWidth;
    const stream = this.camera.preview, path = pathOf(stream);
    // Of what has stopped the last picture there was, once.
    if (this.visible && stream.state === "stalled") return {mode: "stills", path, query: "?peek=1", every: LAST_STILL_MS};
    if (!this.visible || stream.state !== "flowing") return OFF;
    const mjpeg = stream.codec === "mjpeg";
    if (mjpeg && connectionLeft && this.camera.steady && Picture.liveWorks) return {mode: "live", path, query: `&fps=${GRID_FPS}`};
    return {mode: "stills", path, query: "?peek=1", every: mjpeg ? STILL_MS : KEYFRAME_STILL_MS};
  }

  update(away) {
    const stream = this.camera.preview, state = away ? "away" : stream.state;
    setState(this.node, stream, state);
    const told = this.camera.main.state === "flowing" ? this.camera.main : stream;
    setFacts(this.node.querySelector(".facts"), factsOf(told, this.camera, away));
    cover(this.node, stream, state, this.picture, stream.wanted ? ["idle", stream.reason] : ["idle", "open it to wake it"]);
    if (state === "flowing") this.picture.check(stream.fps);
  }
}
