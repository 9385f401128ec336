// The page: asks the server how its streams are, shows all of them in a grid, or the one that the address names: #NAME.
//
// A browser opens six connections to one server. Three go to live pictures, shared among its windows, two to stills, one to
// the question how things are. Only what is on the screen is loaded, and nothing while the page is hidden.
const POLL_MS = 1000, PATIENCE_MS = 3000, LIVE_CONNECTIONS = 3, CROWDED_MS = 60000;
const byId = (id) => document.getElementById(id);

const cameras = new Map(), tiles = new Map();
let instance = null, rtspPort = null;
let away = false, lastAnswer = Date.now(), asked = false, crowdedUntil = 0, pollTimer = 0, polling = false;
let solo = null;        // the only stream there is: it is shown as if it were opened
let gridScroll = 0, cameFromGrid = false;

const large = new Large(), windows = new Windows(assign);

// Where we are.

function named() {
  let text = "";
  try { text = decodeURIComponent(location.hash.slice(1)); } catch { /* not one of ours */ }
  const [name, rendition = ""] = text.split("/");
  return name ? [name, rendition] : solo ? [solo, ""] : [null, ""];
}

function route() {
  const [name, rendition] = named(), before = large.name;
  if (name === null) {
    large.close();
    cameFromGrid = false;
  } else {
    if (before === null) gridScroll = scrollY;
    large.open(name, rendition, tiles.get(name));
    large.camera = cameras.get(name) ?? null;
  }
  byId("grid").hidden = name !== null;
  byId("empty").hidden = name !== null || !asked || cameras.size > 0;
  byId("back").hidden = !location.hash && cameras.size < 2;
  byId("previous").hidden = byId("next").hidden = cameras.size < 2;
  document.title = `${name ?? location.hostname} · campipe`;
  large.update(away);
  assign();
  if (name !== before && name !== null) {
    scrollTo(0, 0);
    if (before !== null || cameFromGrid) byId("large-name").focus({preventScroll: true});
  } else if (name === null && before !== null) {
    scrollTo(0, gridScroll);
    tiles.get(before)?.link.focus({preventScroll: true});
  }
}

function choose(name, rendition) {
  history.replaceState(history.state, "", `#${name}${rendition ? "/" + rendition : ""}`);
  route();
}
// Back to the grid: by the browser's own step when we came from there, so that "back" does not return to the stream.
function leave() {
  solo = null;
  if (cameFromGrid && location.hash) return history.back();
  if (location.hash) history.pushState(null, "", location.pathname + location.search);
  route();
}
function step(by) {
  const names = [...cameras.keys()], at = names.indexOf(large.name);
  if (names.length > 1) choose(names[(at + by + names.length) % names.length], "");
}

// What is shown, and how.

function assign() {
  const looked = !document.hidden && !away, crowded = performance.now() < crowdedUntil;
  if (large.name !== null) {
    large.picture.show(looked ? large.wish(windows.count <= LIVE_CONNECTIONS && !crowded) : OFF);
    for (const tile of tiles.values()) tile.picture.show(OFF);
    return;
  }
  let left = crowded ? 0 : Math.floor(LIVE_CONNECTIONS / windows.count);
  for (const tile of tiles.values()) {
    const wish = looked ? tile.wish(left > 0) : OFF;
    if (wish.mode === "live") left--;
    tile.picture.show(wish);
  }
}
function pictures() { return [large.picture, ...[...tiles.values()].map((tile) => tile.picture)]; }

function render(answer) {
  if (answer.instance !== instance) {
    instance = answer.instance;
    for (const picture of pictures()) picture.restart();
  }
  rtspPort = answer.rtsp_port;
  const groups = new Map();
  for (const stream of answer.streams) groups.set(stream.name, [...groups.get(stream.name) ?? [], stream]);
  for (const name of [...cameras.keys()]) if (!groups.has(name)) dropCamera(name);
  [...groups].forEach(([name, streams], at) => {
    if (!cameras.has(name)) addCamera(name);
    cameras.get(name).update(streams);
    const tile = tiles.get(name);
    tile.update(false);
    if (byId("grid").children[at] !== tile.node) byId("grid").insertBefore(tile.node, byId("grid").children[at] ?? null);
  });
  if (!asked && groups.size === 1 && !location.hash) [solo] = groups.keys();
  if (solo && !cameras.has(solo)) solo = null;
  asked = true;
  setText(byId("version"), `camserve ${answer.version}`);
  const clients = answer.streams.reduce((sum, s) => sum + s.clients, 0), rate = answer.streams.reduce((sum, s) => sum + s.bits_per_second, 0);
  const live = [...cameras.values()].filter((camera) => camera.preview.state === "flowing").length;
  const summary = `${live} of ${counted(cameras.size, "stream")} live · ${bitRate(rate)} in · ${counted(clients, "client")}`;
  setText(byId("summary"), cameras.size > 0 ? summary : "");
  route();
}
function addCamera(name) {
  const camera = new Camera(name);
  cameras.set(name, camera);
  tiles.set(name, new Tile(camera));
}
function dropCamera(name) {
  tiles.get(name).remove();
  tiles.delete(name);
  cameras.delete(name);
}

// How the server is.

async function poll() {
  clearTimeout(pollTimer);
  if (polling || document.hidden) return;
  polling = true;
  windows.tell(true);
  try {
    const answer = await (await ask("api/streams", AbortSignal.timeout(PATIENCE_MS))).json();
    lastAnswer = Date.now();
    setAway(false);
    render(answer);
  } catch (error) {
    // While pictures come the server is there: the question waits for a connection, all are taken by other pages.
    if (error.name === "TimeoutError" && performance.now() - Picture.lastPartAt < 1000) crowdedUntil = performance.now() + CROWDED_MS;
    else setAway(true);
  }
  polling = false;
  assign();
  pollTimer = setTimeout(poll, POLL_MS);
}
function setAway(now) {
  if (now !== away) setText(byId("notice"), now ? "camserve does not answer: trying again" : "");
  away = now;
  document.body.classList.toggle("away", away);
  byId("notice").classList.toggle("bad", away);
  if (!away) return;
  setText(byId("summary"), `no answer for ${span((Date.now() - lastAnswer) / 1000)}`);
  for (const tile of tiles.values()) tile.update(true);
  large.update(true);
}

// What the reader does.

addEventListener("hashchange", () => { solo = null; route(); });
document.addEventListener("visibilitychange", () => {
  assign();
  if (document.hidden) windows.tell(false);
  else poll();
});
byId("grid").addEventListener("click", (event) => { if (event.target.closest("a")) cameFromGrid = true; });
for (const id of ["home", "back"]) {
  byId(id).addEventListener("click", (event) => {
    event.preventDefault();
    if (!byId("back").hidden) leave();
  });
}
byId("previous").addEventListener("click", () => step(-1));
byId("next").addEventListener("click", () => step(1));
document.addEventListener("keydown", (event) => {
  if (large.name === null || event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input")) return;
  if (event.key === "Escape" && !document.fullscreenElement && !byId("back").hidden) leave();
  else if (event.key === "ArrowLeft") step(-1);
  else if (event.key === "ArrowRight") step(1);
  else if (event.key === "f") large.fullScreen();
  else if (event.key === "s") large.snapshot();
});
setText(byId("host"), location.host);
poll();
