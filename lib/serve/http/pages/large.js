// One stream as large as the window lets it, with all there is to know and to do about it.
const LARGE_KEYFRAME_MS = 2500, SNAPSHOT_PATIENCE_MS = 10000, MESSAGE_MS = 6000;

class Large {
  constructor() {
    this.node = byId("large");
    this.picture = new Picture(byId("stage"));
    this.picture.onFirst = () => this.update(away);
    this.name = null;
    this.rendition = "";  // as the address has it; "" is the first
    this.camera = null;   // null: no stream of that name
    byId("snapshot").addEventListener("click", () => this.snapshot());
    byId("full").addEventListener("click", () => this.fullScreen());
    byId("stage").addEventListener("dblclick", () => this.fullScreen());
    byId("full").hidden = !document.fullscreenEnabled;
    for (const button of this.node.querySelectorAll("[data-copies]")) button.addEventListener("click", () => copy(button));
  }
  get chosen() {
    const names = this.camera.renditions;
    return names.includes(this.rendition) ? this.rendition : names[0];
  }
  get stream() { return this.camera?.stream(this.chosen); }

  open(name, rendition, tile) {
    if (name !== this.name) {
      this.picture.show(OFF);
      this.picture.clear();
      if (tile?.picture.shown > 0) this.picture.copy(tile.picture);
    }
    this.name = name;
    this.rendition = rendition;
    this.node.hidden = false;
  }
  close() {
    this.name = this.camera = null;
    this.node.hidden = true;
    this.picture.show(OFF);
    if (document.fullscreenElement) document.exitFullscreen();
  }

  wish(connectionLeft) {
    const stream = this.stream;
    if (!stream || !["flowing", "idle", "waiting", "stalled"].includes(stream.state)) return OFF;
    const path = pathOf(stream);
    if (stream.state === "stalled") return {mode: "stills", path, query: "?peek=1", every: LAST_STILL_MS};
    if (stream.codec !== "mjpeg") return stream.state === "waiting" ? OFF : {mode: "stills", path, query: "", every: LARGE_KEYFRAME_MS};
    if (connectionLeft && Picture.liveWorks) return {mode: "live", path, query: ""};
    return {mode: "stills", path, query: "", every: Picture.liveWorks ? 250 : 20};
  }

  update(away) {
    if (this.name === null) return;
    setText(byId("large-name"), this.name);
    this.picture.canvas.setAttribute("aria-label", `picture of ${this.name}`);
    const stream = this.stream, state = away ? "away" : stream ? stream.state : "gone";
    setState(this.node, stream ?? {codec: null}, state);
    setFacts(this.node.querySelector(".facts"), stream ? factsOf(stream, this.camera, away) : {});
    if (state === "gone") setVeil(this.node, `no stream ${this.name}`, "it shows here as soon as it comes");
    else cover(this.node, stream, state, this.picture, ["waking it", stream?.wanted ? stream.reason : "", true]);
    if (state === "flowing") this.picture.check(stream.fps);
    this.node.querySelector(".addresses").hidden = !stream;
    byId("hint").hidden = !stream || stream.codec === null || stream.codec === "mjpeg";
    byId("snapshot").disabled = !stream;
    this.updateRenditions();
    if (!stream) return;
    if (stream.width) this.node.style.setProperty("--ratio", `${stream.width / stream.height}`);
    this.updateAddresses(stream);
  }
  updateRenditions() {
    const box = byId("renditions"), names = this.camera?.renditions ?? [], key = names.join("/");
    box.hidden = names.length < 2;
    if (box.dataset.key !== key) {
      box.dataset.key = key;
      box.replaceChildren(...names.map((name) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = name || "default";
        button.dataset.rendition = name;
        button.addEventListener("click", () => choose(this.name, name));
        return button;
      }));
    }
    for (const button of box.children) button.setAttribute("aria-pressed", String(button.dataset.rendition === this.chosen));
  }
  updateAddresses(stream) {
    const path = pathOf(stream);
    const hasRtsp = rtspPort !== null;
    byId("rtsp").value = hasRtsp ? `rtsp://${location.hostname}:${rtspPort}/${path}` : "not served here";
    for (const id of ["rtsp-copy", "hint-rtsp"]) byId(id).hidden = !hasRtsp;
    byId("mjpeg-row").hidden = stream.codec !== "mjpeg";
    byId("mjpeg").value = new URL(`stream/${path}`, location.href).href;
    byId("still").value = new URL(`snapshot/${path}.jpg`, location.href).href;
    if (stream.codec === null || stream.codec === "mjpeg") return;
    setText(byId("hint-codec"), codecName(stream.codec));
    setText(byId("hint-command"), `SOURCE | camenc -c mjpeg | camserve ${stream.path}=${stream.codec.toUpperCase()}-INPUT ${stream.path}=-`);
  }

  async snapshot() {
    const stream = this.stream;
    if (!stream) return;
    try {
      const answer = await ask(`snapshot/${pathOf(stream)}.jpg`, AbortSignal.timeout(SNAPSHOT_PATIENCE_MS));
      const taken = Number(answer.headers.get("X-Timestamp")) || Date.now() / 1000;
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await answer.blob());
      link.download = snapshotFile(stream.path, taken);
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      say(`saved as ${link.download}`);
    } catch (error) {
      say(error instanceof Refusal ? error.message : "no snapshot: camserve does not answer", true);
    }
  }
  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else byId("stage").requestFullscreen?.().catch(() => say("this browser gives no full screen here", true));
  }
}

// The clipboard is for pages of https and localhost only; the old way works anywhere.
async function copy(button) {
  const input = byId(button.dataset.copies);
  try {
    await navigator.clipboard.writeText(input.value);
  } catch {
    input.select();
    if (!document.execCommand("copy")) return say("copying is not allowed here: the address is selected", true);
  }
  setText(button, "Copied");
  setTimeout(() => setText(button, "Copy"), 1500);
}

let silence = 0;
function say(text, bad = false) {
  clearTimeout(silence);
  byId("notice").classList.toggle("bad", bad);
  setText(byId("notice"), text);
  silence = setTimeout(() => setText(byId("notice"), ""), MESSAGE_MS);
}
