"""FHIRPath's `htmlChecks()`: whether a narrative holds allowed XHTML only, and says something.

Source: FHIR R4, FHIRPath, "Additional functions"; Narrative, txt-1 and txt-2.
"""

from __future__ import annotations

from fhir_gateway.fhir import xhtml


def html_faults(div: str) -> list[str]:
    """Return the elements and attributes ("a@onclick") of a narrative that are not allowed; "" when it says nothing.

    A text that cannot be read as XHTML says nothing.
    """
    root = xhtml.read(div).root
    if root is None or root.name != "div":
        return [""]
    faults = []
    for tag in root.walk():
        if tag.name not in xhtml.ELEMENTS:
            faults.append(tag.name)
        faults += [f"{tag.name}@{name}" for name in tag.attributes if not xhtml.attribute_allowed(tag.name, name)]
    if not says_something(root):
        faults.append("")
    return faults


def says_something(root: xhtml.Tag) -> bool:
    """Return whether there is text that is not white space, or an image."""
    return any(tag.name == "img" or tag.text.strip() != "" for tag in root.walk())
