#!/usr/bin/python3
"""Whether the viewer page fits its window and can be read, on a phone, a tablet and a desktop, light and dark.

usage: page_looks.py URL NAME... [--keep PREFIX]

For the grid and for each stream NAME large: nothing is wider than the window, each text has a contrast of 4.5 or more to what
is behind it, buttons and fields have a name and room for a finger, nothing shows text that is cut off without sign. Prints
"SIZE SCHEME VIEW" for each that holds. PREFIX keeps screenshots as PREFIX-SIZE-SCHEME-VIEW.png.
"""
import sys

from browser import wait_for
from page import Page, done

SIZES = {"phone": (390, 844, 2, True), "tablet": (820, 1180, 1, True), "desktop": (1440, 900, 1, False)}

# What is wrong with what is seen, in words.
FAULTS = r"""
const faults = [], seen = n => n.checkVisibility() && n.getClientRects().length > 0 && getComputedStyle(n).clipPath === 'none';
if (document.documentElement.scrollWidth > innerWidth) faults.push(`as wide as ${document.documentElement.scrollWidth}`);
const numbers = colour => colour.match(/[\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
const behind = n => { for (; n; n = n.parentElement) { const c = numbers(getComputedStyle(n).backgroundColor);
    if (c.length === 3 || c[3] > .7) return c; } return [255, 255, 255]; };
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walk.nextNode(); node; node = walk.nextNode()) {
  const n = node.parentElement;
  if (!node.data.trim() || ['SCRIPT', 'STYLE', 'NOSCRIPT'].includes(n.tagName) || !seen(n) || n.closest(':disabled')) continue;
  const [a, b] = [light(numbers(getComputedStyle(n).color)), light(behind(n))].sort((x, y) => y - x);
  if ((a + .05) / (b + .05) < 4.5) faults.push(`'${node.data.trim()}' has a contrast of ${((a + .05) / (b + .05)).toFixed(1)}`);
  const box = n.getBoundingClientRect();
  if (box.left < -1 || box.right > innerWidth + 1) faults.push(`'${node.data.trim()}' leaves the window`);
  if (n.scrollWidth > n.clientWidth + 1 && n.clientWidth > 0 && getComputedStyle(n).textOverflow !== 'ellipsis' &&
      getComputedStyle(n).display !== 'inline') faults.push(`'${node.data.trim()}' is cut off`);
}
for (const n of document.querySelectorAll('button, input, main a, [role=img]')) {
  if (!seen(n)) continue;
  const box = n.getBoundingClientRect();
  const name = n.getAttribute('aria-label') ?? (n.innerText.trim() || n.closest('label')?.innerText.trim());
  if (!name) faults.push(`${n.outerHTML} has no name`);
  if (n.matches('button, .button') && (box.width < 36 || box.height < 30)) faults.push(`'${name}' is ${box.width}x${box.height}`);
}
return faults;
"""

arguments = sys.argv[1:]
keep = arguments[arguments.index("--keep") + 1] if "--keep" in arguments else None
url, *names = arguments[:arguments.index("--keep")] if keep else arguments

with Page(url) as page:
    for size, (width, height, scale, mobile) in SIZES.items():
        for scheme in ("light", "dark"):
            for view in ("grid", *names):
                page.look(width, height, scheme, scale, mobile)
                page.open("about:blank")
                page.open(url + ("" if view == "grid" else "#" + view))
                if view == "grid":
                    wait_for("a picture", 40, page.shown)
                else:
                    page.wait_large(view)
                if keep:
                    with open(f"{keep}-{size}-{scheme}-{view}.png", "wb") as file:
                        file.write(page.screenshot())
                faults = page.run(FAULTS)
                page.must(f"{size} {scheme} {view}: {faults}", not faults)
                done(f"{size} {scheme} {view}")
    page.must_be_quiet()
