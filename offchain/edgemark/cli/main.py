"""`edgemark`: entry point, and the one place where an error becomes an exit status."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence

import click

from edgemark.cli.ledger.commands import LEDGER
from edgemark.cli.systems import OF_SYSTEMS
from edgemark.cli.terminal.exits import Exit, exit_of, explain_system
from edgemark.cli.terminal.lazy import LazyGroup, Place
from edgemark.cli.terminal.naming import explain_dash
from edgemark.cli.terminal.streams import open_closed_streams, say
from edgemark.errors import EdgemarkError, RefusedInput

OWN = {  # commands of the ground
    "chain": Place("chain", "chain", "A development chain on this machine."),
    "completion": Place("terminal.completion", "completion", "The completion script of a shell."),
    "config": Place("config", "config", "Settings, and where each came from."),
    "doctor": Place("doctor.doctor", "doctor", "Look at everything that is needed."),
    "fabric": Place("fabric.network", "fabric", "A network of Fabric's own programs, here."),
    "provider": Place("provider", "provider", "An organisation that runs servers."),
}
COMMANDS = OWN | {name: place for system in OF_SYSTEMS for name, place in system.GROUPS.items()}
DEMOS = {name: place for system in OF_SYSTEMS for name, place in system.DEMOS.items()}
OWN_INDEX = {
    "identities": Place("identities.listing", "identities", "List identities that were changed."),
    "identity": Place("identities.listing", "identity", "Print what happened to an identity."),
    "rebuild": Place("index", "rebuild", "Make the index anew from the chain."),
    "status": Place("index", "status", "Print how far the index is, and whether it is sound."),
    "sync": Place("index", "sync", "Bring the index up to the head of the chain."),
}
INDEX = OWN_INDEX | {name: place for system in OF_SYSTEMS for name, place in system.QUERIES.items()}
ACCOUNT = {
    "address": Place("account", "address", "Print the account; makes the keys on first run."),
    "deposit": Place("account", "deposit", "Bring tokens into the anchor."),
    "register": Place("registration", "register", "Register; somebody else pays the gas."),
    "retire": Place("registration", "retire", "Take no new work any more, for good."),
    "rotate": Place("registration", "rotate", "Register a new TLS key, endpoint, resources."),
    "show": Place("account", "show", "Print account, tokens and TLS pin."),
    "succeed": Place("registration", "succeed", "Take the place of an account that retires."),
    "withdraw": Place("account", "withdraw", "Take free balance back into the wallet."),
}

CREDENTIAL = {
    "export": Place(
        "credentials.exporting", "export", "Write a credential, for whoever checks it."
    ),
    "issue": Place("credentials.issuing", "issue", "Sign what this identity says of another."),
    "revoke": Place("credentials.revoking", "revoke", "Take credentials back, for good."),
    "show": Place("credentials.showing", "show", "Print what a credential says."),
    "suspend": Place("credentials.revoking", "suspend", "Let credentials not count for a time."),
    "verify": Place("credentials.verifying", "verify", "Check a credential, a line a check."),
}
IDENTITY = {
    "agreement": Place(
        "identities.agreeing", "agreement", "Say for which key others encrypt for it."
    ),
    "attribute": Place("identities.acting", "attribute", "Say something of the identity."),
    "create": Place("identities.acting", "create", "Make this home's identity, for nothing."),
    "deactivate": Place("identities.acting", "deactivate", "End the identity, for good."),
    "delegate": Place("identities.acting", "delegate", "Let an account act for the identity."),
    "resolve": Place("identities.resolving", "resolve", "Print the document of a DID."),
    "revoke-signatures": Place(
        "identities.acting", "revoke_signatures", "Void what was signed and not sent."
    ),
    "rotate": Place("identities.acting", "rotate", "Give the identity to another account."),
    "serve": Place("identities.serving", "serve", "Answer over HTTP what DIDs resolve to."),
    "submit": Place("identities.acting", "submit", "Send what an owner signed into a file."),
}


@click.group(
    cls=LazyGroup,
    places=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="edgemark")
def edgemark() -> None:
    """Accountable computing at the network edge.

    Exit status: 0 done, 1 a check failed or no result, 2 fix the call, 3 another party broke the
    protocol, 4 the chain or ledger did not answer (nothing changed, retry), 5 own state is damaged,
    130 interrupted.
    """


@edgemark.group(cls=LazyGroup, places=ACCOUNT)
def account() -> None:
    """This home's account and tokens."""


@edgemark.group(cls=LazyGroup, places=CREDENTIAL)
def credential() -> None:
    """What an identity says of another, signed."""


@edgemark.group(cls=LazyGroup, places=DEMOS)
def demo() -> None:
    """Run a whole system here and print a receipt."""


@edgemark.group(cls=LazyGroup, places=IDENTITY)
def identity() -> None:
    """Accounts as DIDs name them: keys, delegates, services."""


@edgemark.group(cls=LazyGroup, places=INDEX)
def index() -> None:
    """The chain's events in a file, and what they tell."""


@edgemark.group(cls=LazyGroup, places=LEDGER)
def ledger() -> None:
    """A consortium ledger that speaks Hyperledger Fabric."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; never shows a traceback for a mistake of the user or a fault of a peer."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    open_closed_streams()
    end_as_when_interrupted()
    try:
        status = edgemark.main(args=given, prog_name="edgemark", standalone_mode=False)
    except click.exceptions.Exit as left:
        sys.exit(left.exit_code)
    except click.ClickException as mistake:
        sys.exit(correct(mistake, given))
    except (click.Abort, KeyboardInterrupt):
        leave_at_once_when_asked_again()
        say("interrupted")
        sys.exit(Exit.INTERRUPTED)
    except EdgemarkError as error:
        sys.exit(complain(error, given))
    except OSError as error:
        sys.exit(complain(explain_system(error), given))
    sys.exit(status if isinstance(status, int) else Exit.DONE)


def complain(error: EdgemarkError, given: Sequence[str]) -> Exit:
    """Say it on standard error, and as JSON where that was asked for; the status to leave with."""
    if "--json" in given:
        say(json.dumps(error.as_dict()), is_error=False)
    if not error.is_told:
        say(f"{type(error).__name__}: {error}")
    return exit_of(error)


def correct(mistake: click.ClickException, given: Sequence[str]) -> Exit:
    """Say what is wrong with a call as `complain` does, with how it is called instead."""
    mistake = explain_dash(mistake, given)
    with contextlib.suppress(OSError):
        mistake.show()
    if "--json" in given:
        context = mistake.ctx if isinstance(mistake, click.UsageError) else None
        path = context.command_path if context else "edgemark"
        remedy = f"See `{path} --help`."
        refused = RefusedInput(mistake.format_message(), who=path, remedy=remedy)
        say(json.dumps(refused.as_dict()), is_error=False)
    return Exit.REFUSED_INPUT


def end_as_when_interrupted() -> None:
    """SIGTERM is an interrupt: what was begun is ended in order, and nothing is left behind."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def leave_at_once_when_asked_again() -> None:
    """From now on a second interrupt ends the process: whatever counts is in the journals."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: os._exit(Exit.INTERRUPTED))


if __name__ == "__main__":
    main()
