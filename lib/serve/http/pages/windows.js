// The windows of one browser share its six connections to a server; each tells the others that it is looked at.
const FORGET_MS = 5000;

class Windows {
  constructor(changed) {
    this.id = Math.random().toString(36);
    this.heard = new Map();  // id: when
    this.changed = changed;
    this.channel = new BroadcastChannel("campipe");
    this.channel.onmessage = ({data}) => this.hear(data);
    addEventListener("pagehide", () => this.tell(false));
  }
  tell(looked, reply = false) { this.channel.postMessage({id: this.id, looked, reply}); }
  hear({id, looked, reply}) {
    const known = this.heard.has(id);
    if (looked) this.heard.set(id, Date.now());
    else this.heard.delete(id);
    if (looked && !known && !reply && !document.hidden) this.tell(true, true);
    if (looked !== known) this.changed();
  }
  /// This one and the others that are looked at.
  get count() {
    for (const [id, at] of this.heard) if (Date.now() - at > FORGET_MS) this.heard.delete(id);
    return this.heard.size + 1;
  }
}
