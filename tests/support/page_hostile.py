#!/usr/bin/python3
"""The viewer page with markup in every text that it gets (page_server.py hostile).

usage: page_hostile.py URL
"""
import sys

from page import Page, done

with Page(sys.argv[1]) as page:
    page.open(sys.argv[1])
    for view in ("", "#ok"):
        page.open("about:blank")
        page.open(sys.argv[1] + view)
        page.wait_text("main", "<script>document.title='hit'</script>")
        page.must("no element came of a text", page.run("return document.querySelectorAll('img, script:not([nonce]), main script').length") == 0)
        page.must("no script ran", "hit" not in page.run("return document.title"))
    page.key("s")  # a reason in a notice
    page.wait_text("#notice", "<img src=x")
    page.must("no element came of a reason", page.run("return document.querySelectorAll('img').length") == 0)
    page.must("no violation of the policy", not [m for m in page.console() if "Content Security Policy" in m])
    done("escaped")
