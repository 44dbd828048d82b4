"""Words that want to be more than words, and what must not come of them."""

import re
from html.parser import HTMLParser

WORDS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "</title></textarea></style><script>alert(1)</script>",
    "{{ 7*7 }} {% for x in ().__class__.__base__.__subclasses__() %}{% endfor %}",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    '<a href="javascript:alert(1)">click</a>',
    "<!--", "]]>", "&lt;script&gt;alert(1)&lt;/script&gt;", "\x00<script\x00>alert(1)</script>",
    "[click](javascript:alert(1))",
    "[evil](https://evil.example)",
    "![evil](https://evil.example/x.png)",
    "<https://evil.example>",
    "https://evil.example www.evil.example root@evil.example",
    "[evil]: https://evil.example",
    "# heading", "## heading\n# heading", "- item\n- item", "1. item", "> quote", "---", "***", "===", "```\ncode\n```",
    "    code", "| a | b |\n|---|---|\n| c | d |", "a | b", "*bold* _em_ ~~gone~~ `code` $x$", "&#106;avascript&colon;",
    "line\u2028line\u2029line\x85line\rline\tline", "back\\slash\\*", "trailing ##", "<details><summary>x</summary>",
    "\u202egpj.exe\u202c", "lone \ud800 surrogate", "z̶̨a̷l̴g̵o̶ שלום 👩\u200d🚒", "x" * 400, "y" * 10_000,
    "=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "zero\u200bwidth\ufeff\u2060joined",
)  # fmt: skip

_OURS = re.compile(r"/static/(live\.js|icon\.svg)\?v=[0-9a-f]{12}")
_INERT = {
    "a", "article", "b", "bdi", "body", "br", "code", "dd", "div", "dl", "dt", "em", "h1", "h2", "h3", "head", "header",
    "hr", "html", "li", "link", "main", "meta", "nav", "ol", "p", "pre", "progress", "section", "span", "strong",
    "table", "tbody", "td", "th", "thead", "time", "title", "tr", "ul",
}  # fmt: skip
_ADDRESSES = {"href", "src", "action", "data-stream"}


class _Reader(HTMLParser):
    """Reads a page as a browser does, and keeps what is not plain structure."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in _INERT and not _OURS.fullmatch(given.get("src", "")):
            self.found.append(f"<{tag}>")
        self.found += [name for name in given if name.startswith("on") or name in {"style", "srcdoc"}]
        self.found += [
            each for name, each in given.items() if name in _ADDRESSES and not each.startswith(("/", "#", "?"))
        ]
        addresses = [value for name, value in given.items() if name in _ADDRESSES]
        self.found += [each for each in addresses if not each.startswith(("/", "#", "?")) or each.startswith("//")]

    def handle_comment(self, data: str) -> None:
        self.found.append(data)


def dangers(html: str) -> list[str]:
    """Give what in a page would act, or lead elsewhere."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.found
