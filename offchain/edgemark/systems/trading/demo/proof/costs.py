"""What the trades cost: settlements, signatures, transactions, gas."""

from __future__ import annotations

from collections.abc import Sequence

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.field.randomness import Randomness
from edgemark.demo.evm.costs import measure_seconds
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.receipt import Receipt
from edgemark.systems.trading.credentials.kept import KeptSettlement
from edgemark.systems.trading.demo.cast import TradingStage
from edgemark.systems.trading.demo.proof.checks import Held
from edgemark.systems.trading.demo.proof.holding import Till
from edgemark.systems.trading.demo.proof.spending import read_sent, sum_gas

SIGNED = 1000  # credentials of a measurement


def note_costs(
    receipt: Receipt, stage: TradingStage, till: Till, channels: Sequence[Held], first: int
) -> None:
    """Put on the receipt what the channels cost, beside what was settled in them.

    Args:
        receipt: where it is noted.
        stage: of the parties.
        till: has the settlements.
        channels: that were played.
        first: block from which on they were.
    """
    kept = [each for held in channels for each in till.settlements(held.channel)]
    parties = {"seller": stage.seller, "controller": stage.controller}
    parties |= {"tower": stage.tower} if stage.has_tower else {}
    accounts = {name: [actor.account] for name, actor in parties.items()}
    accounts["buyers"] = [actor.account for actor in stage.buying]
    sent = {name: read_sent(stage.chain, first, who) for name, who in accounts.items()}
    gas = {name: sum_gas(each) for name, each in sent.items()}
    receipt.evidence |= {
        "channels": len(channels),
        "settlements, each signed by both and issued": len(kept),
        "transactions": sum(map(len, sent.values())),
        **{f"transactions, {name}": len(each) for name, each in sent.items()},
        **{f"gas, {name}": each for name, each in gas.items()},
    }
    if not kept:
        return
    receipt.evidence |= {
        "gas for each settlement": sum(gas.values()) // len(kept),
        "bytes of a settlement credential": max(len(each.credential.token) for each in kept),
        "credentials signed a second, one core": round(SIGNED / measure_signing(kept[-1])),
    }


def measure_signing(kept: KeptSettlement) -> float:
    """Seconds in which this machine signs `SIGNED` credentials like one of these."""
    signed = kept.credential
    signer = CredentialSigner(SecretKey.generate(Randomness()), signed.issuer)

    def sign_all(facts: object) -> None:
        for _ in range(SIGNED):
            signer.sign(facts)  # type: ignore[arg-type]

    return measure_seconds(sign_all, signed.credential.facts)
