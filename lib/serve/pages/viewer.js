"use strict";
// Browsers open at most six connections to one server: a few tiles are live, the others show stills one after the other,
// and there is always one connection left for /api/streams. Texts go in as textContent only.
const MAX_LIVE = 4, POLL_MS = 1000, STILL_MS = 1000, PATIENCE_MS = 3000;
const el = (id) => document.getElementById(id);
const grid = el("grid"), tiles = new Map();
let instance = null, away = false, rtspPort = null, big = null;

document.title = `${location.hostname} · campipe`;
el("host").textContent = location.host;

const number = (value, digits) => value.toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits});
function bits(value) {
  if (value >= 1e6) return [number(value / 1e6, 1), "Mbit/s"];
  return [number(value / 1e3, 0), "kbit/s"];
}

class Tile {
  constructor(name) {
    this.name = name;
    this.rendition = null;
    this.streams = [];
    this.mode = "off";
    this.url = "";
    this.visible = true;
    this.broken = false;
    this.node = el("tile").content.firstElementChild.cloneNode(true);
    this.image = this.node.querySelector("img");
    this.part = (selector) => this.node.querySelector(selector);
    this.part("h2").textContent = name;
    this.image.alt = `live picture of ${name}`;
    this.image.addEventListener("error", () => { if (this.mode === "live") { this.broken = true; this.veil(true, "connecting again…"); } });
    this.image.addEventListener("load", () => { this.broken = false; });
    this.image.addEventListener("click", () => enlarge(this));
    this.part(".grow").addEventListener("click", () => enlarge(this));
    this.part(".rtsp").addEventListener("click", () => this.copyRtsp());
    new IntersectionObserver((entries) => { this.visible = entries.at(-1).isIntersecting; assign(); }).observe(this.node);
  }

  get renditions() { return [...new Set(this.streams.map((s) => s.rendition))]; }
  get chosen() {
    const names = this.renditions;
    return names.includes(this.rendition) ? this.rendition : names[0];
  }
  // The stream to show: MJPEG where there is one, else what stills can be made of.
  get stream() {
    const own = this.streams.filter((s) => s.rendition === this.chosen);
    return own.find((s) => s.codec === "mjpeg" && ["flowing", "idle"].includes(s.state)) || own.find((s) => s.codec === "mjpeg") ||
        own.find((s) => s.state === "flowing") || own[0];
  }
  get path() { return encodeURIComponent(this.name) + (this.chosen ? "/" + encodeURIComponent(this.chosen) : ""); }
  get canLive() { return this.stream.codec === "mjpeg" && this.stream.state !== "ended"; }
  get wantsStill() { return this.mode === "still" && ["flowing", "idle"].includes(this.stream.state); }

  show(mode) {
    const url = mode === "live" ? `/stream/${this.path}` : mode === "still" ? `/snapshot/${this.path}.jpg` : "";
    if (mode === this.mode && url === this.url && !this.broken) return;
    this.mode = mode;
    this.url = url;
    this.broken = false;
    if (mode === "live") this.setImage(`${url}?page=${Date.now().toString(36)}`);
    else if (mode === "off") this.image.removeAttribute("src");  // ends the connection
    else if (!this.image.src.startsWith("blob:")) this.image.removeAttribute("src");
  }
  setImage(source) {
    if (this.image.src.startsWith("blob:")) URL.revokeObjectURL(this.image.src);
    this.image.src = source;
  }
  async still() {
    const url = this.url;
    try {
      const answer = await fetch(url, {cache: "no-store", signal: AbortSignal.timeout(6000)});
      if (!answer.ok) { this.veil(true, (await answer.text()).trim()); return; }
      const blob = await answer.blob();
      if (this.mode === "still" && this.url === url) { this.setImage(URL.createObjectURL(blob)); this.veil(false, ""); this.stillShown = true; }
    } catch { /* the poll tells when the server is away */ }
  }
  again() { this.mode = "off"; this.url = ""; }

  veil(on, why) {
    this.node.classList.toggle("veiled", on);
    if (on) this.part(".why").textContent = why;
  }

  update(streams) {
    this.streams = streams;
    const s = this.stream;
    this.node.classList.remove("waiting", "flowing", "idle", "stalled", "ended", "away");
    this.node.classList.add(s.state);
    const still = s.codec !== "mjpeg" && s.codec !== null;
    this.part(".badge b").textContent = s.state === "flowing" ? (still ? "keyframes" : "live") : s.state;
    if (s.width) this.node.style.setProperty("--ratio", `${s.width / s.height}`);
    if (s.state !== "flowing") this.veil(true, s.state === "waiting" ? "waiting for the first frame" : s.state === "idle" ? "waking it up…" : s.reason);
    else if (!this.broken && (!still || this.stillShown)) this.veil(false, "");
    else if (still && !this.image.src) this.veil(true, "making a picture of the newest keyframe");
    this.updateFacts(s);
    this.updateRenditions();
    const snap = this.part(".snap");
    snap.href = `/snapshot/${this.path}.jpg`;
    snap.download = `${this.name}.jpg`;
    this.part(".live").href = `/stream/${this.path}`;
    this.part(".live").hidden = s.codec !== "mjpeg";
    this.part(".rtsp").hidden = rtspPort === null;
    this.part(".rtsp").title = this.rtspUrl;
  }
  updateFacts(s) {
    const facts = [];
    if (s.state === "flowing") facts.push([number(s.fps, 1), "fps"], bits(s.bits_per_second));
    if (s.width) facts.push([`${s.width}×${s.height}`, s.codec === "mjpeg" ? "MJPEG" : s.codec.toUpperCase().replace("H26", "H.26")]);
    const clients = this.streams.reduce((sum, one) => sum + one.clients, 0);
    facts.push([`${clients}`, clients === 1 ? "client" : "clients"]);
    if (s.age_s !== null && s.age_s > 2) facts.push([`${Math.floor(s.age_s)} s`, "old", "late"]);
    this.part(".facts").replaceChildren(...facts.map(([value, unit, kind]) => {
      const row = document.createElement("div"), dd = document.createElement("dd"), dt = document.createElement("dt");
      dd.textContent = value;
      dt.textContent = unit;
      if (kind) row.className = kind;
      row.append(dt, dd);
      return row;
    }));
  }
  updateRenditions() {
    const names = this.renditions, box = this.part(".renditions");
    const key = names.length > 1 ? names.join("/") : "";
    if (box.dataset.key !== key) {
      box.dataset.key = key;
      box.replaceChildren(...(key ? names : []).map((name) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = name || "default";
        button.dataset.rendition = name;
        button.addEventListener("click", () => { this.rendition = name; this.stillShown = false; this.update(this.streams); assign(); });
        return button;
      }));
    }
    for (const button of box.children) button.setAttribute("aria-pressed", String(button.dataset.rendition === this.chosen));
  }

  get rtspUrl() {
    const host = location.hostname.includes(":") && !location.hostname.startsWith("[") ? `[${location.hostname}]` : location.hostname;
    return `rtsp://${host}:${rtspPort}/${this.path}`;
  }
  async copyRtsp() {
    const button = this.part(".rtsp");
    try { await navigator.clipboard.writeText(this.rtspUrl); button.textContent = "copied"; }
    catch { window.prompt("RTSP address", this.rtspUrl); }
    setTimeout(() => { button.textContent = "rtsp"; }, 1500);
  }
}

function enlarge(tile) {
  big = big === tile ? null : tile;
  for (const one of tiles.values()) one.node.classList.toggle("big", one === big);
  assign();
}
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && big) enlarge(big); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) restart(); assign(); });

// Decides which tiles are live, which show stills and which rest.
function assign() {
  let live = 0;
  for (const tile of tiles.values()) {
    if (tile.streams.length === 0) continue;
    const seen = !document.hidden && !away && (big ? tile === big : tile.visible);
    if (!seen) tile.show(away ? tile.mode : "off");
    else if (tile.canLive && live < MAX_LIVE) { live++; tile.show("live"); }
    else tile.show("still");
  }
}
function restart() { for (const tile of tiles.values()) tile.again(); }

function render(answer) {
  if (answer.instance !== instance) { instance = answer.instance; restart(); }
  rtspPort = answer.rtsp_port;
  const names = [...new Set(answer.streams.map((s) => s.name))];
  for (const [name, tile] of tiles) if (!names.includes(name)) { tile.show("off"); tile.node.remove(); tiles.delete(name); }
  for (const name of names) {
    if (!tiles.has(name)) { const tile = new Tile(name); tiles.set(name, tile); grid.append(tile.node); }
    tiles.get(name).update(answer.streams.filter((s) => s.name === name));
  }
  grid.classList.toggle("one", names.length === 1);
  if (names.length === 1) grid.style.setProperty("--ratio", tiles.get(names[0]).node.style.getPropertyValue("--ratio") || "1.7778");
  el("empty").hidden = names.length > 0;
  el("version").textContent = `camserve ${answer.version}`;
  const flowing = answer.streams.filter((s) => s.state === "flowing");
  const sum = (key) => answer.streams.reduce((total, s) => total + s[key], 0);
  const [rate, unit] = bits(sum("bits_per_second")), clients = sum("clients");
  el("summary").textContent = `${flowing.length} of ${answer.streams.length} ${answer.streams.length === 1 ? "stream" : "streams"} live · ` +
      `${rate} ${unit} in · ${clients} ${clients === 1 ? "client" : "clients"}`;
}

function setAway(now) {
  if (now && !away) {
    el("summary").textContent = "server away: trying again…";
    for (const tile of tiles.values()) { tile.node.classList.add("away"); tile.veil(true, "server away: trying again…"); }
  }
  if (!now && away) restart();
  away = now;
  el("summary").classList.toggle("away", away);
}

async function poll() {
  try {
    const answer = await fetch("/api/streams", {cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS)});
    if (!answer.ok) throw new Error(answer.statusText);
    const status = await answer.json();
    setAway(false);
    render(status);
  } catch { setAway(true); }
  assign();
  setTimeout(poll, POLL_MS);
}

async function stills() {
  const due = [...tiles.values()].filter((tile) => tile.wantsStill);
  for (const tile of due) if (tile.wantsStill) await tile.still();
  setTimeout(stills, STILL_MS);
}

poll();
stills();
