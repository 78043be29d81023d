"""The project's folders of data: inside the package once installed, beside it in a checkout.

Source: pyproject.toml, [tool.hatch.build.targets.wheel.sources].
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def data_folder(name: Literal["profiles", "mappings", "terminology"]) -> Path:
    """Return one of the project's data folders: inside an installed wheel, else beside the package in a checkout.

    Raises: FileNotFoundError when neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    places = (package / "_data" / name, package.parent / name)
    for place in places:
        if place.is_dir():
            return place
    message = f"the data folder {name!r} is neither at {places[0]} nor at {places[1]}; reinstall fhir-gateway"
    raise FileNotFoundError(message)
