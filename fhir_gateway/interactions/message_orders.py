"""What a message that orders something is answered: of each order whether it is taken, and the number that it has here.

The answer is made in the transaction that applies the message, so that what it says is there, and is stored with it.

Source: HL7 v2.5.1, chapter 4, 4.4.7 (ORL), 4.4.2 (ORR); `fhir_gateway/exchange/hl7v2/order_answers.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from fhir_gateway.exchange.hl7v2.acknowledgement import Code, Problem, acknowledgement
from fhir_gateway.exchange.hl7v2.envelope import Envelope
from fhir_gateway.fhir.json import decode

if TYPE_CHECKING:
    from fhir_gateway.exchange.hl7v2.convert import Conversion
    from fhir_gateway.exchange.hl7v2.order_answers import Ordered
    from fhir_gateway.exchange.hl7v2.sending_rules import SendingRules
    from fhir_gateway.interactions.message_act import MessageAct
    from fhir_gateway.policy.partners import Partner
    from fhir_gateway.transform.writers import Writers

log = logging.getLogger(__name__)

RulesOf = Callable[[Sequence[str]], "SendingRules"]  # by the sites laid over those that ship
_ORDERS = frozenset({"OML^O21", "ORM^O01"})
_ORDER = "order"  # the instance that mappings make of an order


def shipped_only(_sites: Sequence[str] = ()) -> SendingRules:
    """Return the rules that ship."""
    from fhir_gateway.exchange.hl7v2.sending_rules import SendingRules, shipped_writers

    return SendingRules(shipped_writers())


def rules_for(rules_of: RulesOf, envelope: Envelope, partner: Partner | None) -> Writers | None:
    """Return the rules that the answer to an order is written by; None for a message that is none.

    Raises: MappingError where no version of them was ever sound.
    """
    if envelope.event not in _ORDERS:
        return None
    names = ("^".join(envelope.part(number, part) for part in (1, 2)) for number in (3, 4))
    return rules_of(() if partner is None else partner.sites).to(*names)


def answer(
    envelope: Envelope, code: Code, problems: Sequence[Problem], rules: Writers | None, conversion: Conversion | None,
    act: MessageAct | None,
) -> bytes:  # fmt: skip
    """Return what a message is answered: its acknowledgement, and what becomes of its orders where it has some.

    `act`: as it was carried out; None: it was not, and no order is taken.
    """
    if rules is None or conversion is None or conversion.result is None:
        return acknowledgement(envelope, code, problems)
    from fhir_gateway.exchange.hl7v2.order_answers import order_answer
    from fhir_gateway.exchange.hl7v2.sending import CannotBeWritten

    try:
        return order_answer(envelope, code, problems, _orders(conversion, act), rules=rules)
    except CannotBeWritten as refusal:  # by rules of an operator's; what was applied stays so, and is told plainly
        codes = sorted({each.complaint.detail for each in refusal.issues})
        log.error("answer to an order cannot be written", extra={"fields": {"codes": codes}})
        return acknowledgement(envelope, code, problems)


def _orders(conversion: Conversion, act: MessageAct | None) -> Iterator[Ordered]:
    from fhir_gateway.exchange.hl7v2.order_answers import Ordered

    assert conversion.result is not None
    instances = conversion.result.instances if act is None else act.instances
    for number, each in enumerate(instances):
        if each.id != _ORDER or each.resource["resourceType"] != "ServiceRequest" or each.scope is None:
            continue
        orc, pid = each.scope.find("ORC"), each.scope.find("PID")
        version = act.done[number].version if act is not None else None
        if act is None or version is None:
            yield Ordered(each.resource, False, orc=orc, pid=pid)
        else:
            yield Ordered(decode(version.body), True, each.full_url in act.left, orc, pid)
