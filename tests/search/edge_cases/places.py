"""Organizations, practitioners, their roles, and places near and far.

Source: FHIR R4, Organization, Practitioner, PractitionerRole, Location.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.search.edge_cases.elements import SCT, Resource, concept, make, reference


def organizations() -> Iterator[Resource]:
    yield make("Organization", "root", name="Établissement de santé", active=True)
    yield make(
        "Organization",
        "hospital",
        name="CHU de Lyon",
        alias=["HCL"],
        partOf=reference("Organization/root"),
        identifier=[{"system": "urn:oid:1.2.250.1.71.4.2.2", "value": "690000000"}],
        type=[concept("http://t", "prov")],
    )
    yield make("Organization", "lab", name="Laboratoire AURAGEN", partOf=reference("Organization/hospital"))
    yield make("Organization", "island", name="Île", address=[{"city": "Île-d'Yeu"}])
    for id, family, given in (
        ("d1", "Médecin", "Alix"),
        ("d2", "Praticien", "Camille"),
        ("d3", "Généticienne", "Dominique"),
    ):
        yield make(
            "Practitioner",
            id,
            name=[{"family": family, "given": [given]}],
            active=id != "d3",
            identifier=[{"system": "urn:oid:1.2.250.1.71.4.2.1", "value": f"8{id}"}],
        )
    yield make(
        "PractitionerRole",
        "role1",
        practitioner=reference("Practitioner/d1"),
        organization=reference("Organization/hospital"),
        specialty=[concept(SCT, "394580004")],
        period={"start": "2020"},
    )
    yield make(
        "PractitionerRole",
        "role2",
        practitioner=reference("Practitioner/d2"),
        organization=reference("Organization/lab"),
        period={"end": "2019-12-31"},
    )
    for id, latitude, longitude, name in (
        ("lyon", 45.76, 4.84, "Lyon"),
        ("villeurbanne", 45.77, 4.88, "Villeurbanne"),
        ("paris", 48.8566, 2.3522, "Paris"),
        ("sydney", -33.87, 151.21, "Sydney"),
        ("fiji", -17.8, 179.9, "Fidji"),
        ("samoa", -17.8, -179.9, "Lau"),
    ):
        yield make(
            "Location",
            id,
            name=name,
            position={"latitude": latitude, "longitude": longitude},
            managingOrganization=reference("Organization/hospital"),
        )
    yield make("Location", "nowhere", name="Nulle part", partOf=reference("Location/lyon"))
