"""A PDF with a text layer, as small as one can be."""

from __future__ import annotations


def text_pdf(pages: list[list[tuple[float, float, str]]]) -> bytes:
    """A PDF with a text layer: ``(x, y, text)`` a line, points from the top left of an A4 page, Helvetica 11."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>", ""]
    objects.append("<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>")
    kids = []
    for lines in pages:
        shown = "\n".join(
            f"BT /F 11 Tf {x} {842 - y} Td ({text.replace('(', chr(92) + '(').replace(')', chr(92) + ')')}) Tj ET"
            for x, y, text in lines
        )
        objects.append(f"<</Length {len(shown.encode('cp1252'))}>>stream\n{shown}\nendstream")
        content = len(objects)
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {content} 0 R/Resources<</Font<</F 3 0 R>>>>>>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Count {len(kids)}/Kids[{' '.join(kids)}]>>"
    body, offsets = b"%PDF-1.4\n", []
    for number, text in enumerate(objects, 1):
        offsets.append(len(body))
        body += f"{number} 0 obj{text}endobj\n".encode("cp1252")
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    trailer = f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{len(body)}\n%%EOF"
    return body + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{trailer}".encode()
