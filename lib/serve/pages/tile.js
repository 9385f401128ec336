// One stream in the grid. Looking at the grid wakes no stream that rests and keeps none awake: one that was seen idle shows
// stills while others watch it, and what was there last while nobody does.
const GRID_FPS = 10, STILL_MS = 1000, KEYFRAME_STILL_MS = 15000;

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
    const stream = this.camera.preview, path = pathOf(stream);
    if (!this.visible || stream.state !== "flowing") return OFF;
    if (this.camera.rests && this.camera.clients === 0) return OFF;
    if (stream.codec !== "mjpeg") return {mode: "stills", path, every: KEYFRAME_STILL_MS};
    if (connectionLeft && !this.camera.rests && Picture.liveWorks) return {mode: "live", path, query: `?fps=${GRID_FPS}`};
    return {mode: "stills", path, every: STILL_MS};
  }

  update(away) {
    const stream = this.camera.preview, state = away ? "away" : stream.state;
    setState(this.node, stream, state);
    const told = this.camera.main.state === "flowing" ? this.camera.main : stream;
    setFacts(this.node.querySelector(".facts"), factsOf(told, this.camera, away));
    if (away) setVeil(this.node, "no answer");
    else if (state === "idle") setVeil(this.node, "idle", stream.wanted ? stream.reason : "open it to wake it");
    else if (state !== "flowing") setVeil(this.node, state, stream.reason, state === "waiting");
    else if (this.picture.shown > 0) setVeil(this.node, "");
    else if (this.picture.trouble) setVeil(this.node, "no picture", this.picture.trouble);
    else if (this.camera.rests && this.camera.clients === 0) setVeil(this.node, "idle", "open it to wake it");
    else setVeil(this.node, stream.codec === "mjpeg" ? "connecting" : "making a picture of a keyframe", "", true);
    if (state === "flowing") this.picture.check();
  }
}
