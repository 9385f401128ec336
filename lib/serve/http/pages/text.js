// How things are said. All of it is put in place as textContent.

const number = (value, digits = 0) => value.toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits});
const counted = (n, one) => `${number(n)} ${one}${n === 1 ? "" : "s"}`;

function bitRate(perSecond) {
  return perSecond >= 1e6 ? `${number(perSecond / 1e6, 1)} Mbit/s` : `${number(perSecond / 1e3)} kbit/s`;
}

// A time span of whole seconds, minutes, hours or days.
function span(seconds) {
  if (seconds < 100) return `${Math.floor(seconds)} s`;
  if (seconds < 6000) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86400)} days`;
}
const ago = (seconds) => (seconds < 1.5 ? "now" : `${span(seconds)} ago`);

const CODECS = {
  mjpeg: "MJPEG", h264: "H.264", h265: "H.265",
  aac: "AAC", opus: "Opus", pcm_mulaw: "G.711 µ", pcm_alaw: "G.711 A", mp3: "MP3", pcm_s16le: "PCM",
};
const codecName = (codec) => CODECS[codec] ?? codec;

// front-hd-20261121-183015.jpg; `seconds` of Unix time, told in the reader's time zone.
function snapshotFile(path, seconds) {
  const at = new Date(seconds * 1000), two = (value) => String(value).padStart(2, "0");
  const day = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`;
  return `${path.replace("/", "-")}-${day}-${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}.jpg`;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Fills the facts of a list that has a row for them; what is not known has no row.
function setFacts(list, facts) {
  for (const row of list.children) {
    const text = facts[row.dataset.fact] ?? "";
    row.hidden = text === "";
    setText(row.lastElementChild, text);
  }
}
