"""The limits that rooms of the consortium ledger share; what one file alone bounds stands there.

What has to fit into something else is computed from it.
"""

from __future__ import annotations

MAX_MESSAGE_BYTES = 100 * 1024 * 1024  # Fabric's default of gRPC, both ways
TIMESTAMP_WINDOW_S = 15 * 60  # a peer takes a proposal whose timestamp is no further from its clock
NONCE_BYTES = 24
MAX_NONCE_BYTES = 64
MAX_CERTIFICATE_BYTES = 16 * 1024
MAX_IDENTITY_BYTES = MAX_CERTIFICATE_BYTES + 1024  # with the name of its organisation
MAX_ENVELOPE_BYTES = 10 * 1024 * 1024  # Fabric's default AbsoluteMaxBytes of a batch
MAX_ARGUMENTS = 256  # of one call
MAX_ARGUMENTS_BYTES = 4 * 1024 * 1024  # of one call, all together: both fit into one envelope
# A message to a chaincode holds the arguments twice: by themselves, and in the signed proposal.
MAX_TRANSIENT_BYTES = MAX_MESSAGE_BYTES - 2 * MAX_ARGUMENTS_BYTES - 1024 * 1024  # names and values
MAX_TRANSIENT = 256  # values of one call
MAX_KEY_BYTES = 1024
MAX_VALUE_BYTES = 4 * 1024 * 1024
MAX_EVENT_BYTES = 1024 * 1024
# Of what is endorsed: keys that it reads and writes, rows of ranges too; and ranges.
MAX_KEYS_OF_TRANSACTION = 10_000
MAX_NAME = 64  # characters of the name of a channel, chaincode or organisation
MAX_ROWS_OF_QUERY = 100_000  # of what is only evaluated; Fabric's default totalQueryLimit
MAX_REQUESTS_OF_TRANSACTION = 10 * MAX_KEYS_OF_TRANSACTION  # of a chaincode: ten for each key
MAX_DEPTH = 8  # chaincodes that call one another in one transaction
RANGE_PAGE = 100  # rows in one answer to a chaincode
MAX_OPEN_QUERIES = 100  # of one chaincode at work, as our shim has: `MAX_ITERATORS` there
EXECUTE_TIMEOUT_S = 30.0
GATEWAY_CALLS = 500  # at once, as `peer.limits.concurrency.gatewayService`
WAITERS = 2_000  # at one port, for the status of a commit
GUEST_SHARE = 0.5  # of each kind of places at a port, of all other organisations together
ORDERERS_SHARE = 0.25  # of places at the orderer's port, of one organisation
MAX_QUESTION_BYTES = MAX_IDENTITY_BYTES + 3 * 1024  # who asks, and for what: no transaction
MAX_TRANSACTION_ID = 64  # characters: SHA-256 in hexadecimal
STREAMS = 2_000  # at one port, of events, blocks and envelopes, whose first message passed
SILENT_STREAMS = 200  # at one port, of which no message has passed yet
FIRST_MESSAGE_S = 10.0  # until a stream's first message has passed
WRITE_S = 30.0  # in which a client takes an answer of a stream
MAX_ENDORSERS_TOLD = 32  # whose words an error has
MAX_POLICY_DEPTH = 16  # of a tree of rules
MAX_POLICY_RULES = 256  # of a tree, leaves and branches together
MAX_POLICY_TEXT = 16 * 1024  # characters
MAX_POLICY_BYTES = 32 * 1024  # of its message: all its rules, with the longest names, are 20 KiB
MAX_APPROVAL_BYTES = 2 * MAX_POLICY_BYTES  # as it stands in the state: a longer one is none
MAX_LEAST_SETS = 256  # sets of organisations that are considered for one proposal
MAX_SETS_TRIED = 50_000  # until those are found
MAX_ORGANISATIONS = 16  # of a ledger, all of which may be on one channel
MAX_CHANNELS = 16  # of a ledger
MAX_CAS = 8  # of an organisation, and as many for TLS
MAX_FOLLOWED_BYTES = 128 * 1024 * 1024  # of blocks, held at once by all who follow them
MAX_WAITING = WAITERS * (MAX_ORGANISATIONS + 1)  # at all ports; who follows blocks is counted apart
# Of one organisation, all its lists: half of its share of a configuration, which is an envelope.
MAX_REVOCATIONS_BYTES = MAX_ENVELOPE_BYTES // (2 * (MAX_ORGANISATIONS + 1))  # 5,800 certificates
MAX_ENDORSEMENTS = 2 * MAX_ORGANISATIONS  # of a transaction, good or not
MAX_OPEN_SUBMISSIONS = 1_000  # of one client at once
MAX_OPEN_BYTES = 32 * MAX_ENVELOPE_BYTES  # envelopes of a client that are open, all together
MAX_GROUP_BYTES = 16 * 1024 * 1024  # of what a client's journal writes at once; one may be longer
MAX_JOURNAL_SLACK_BYTES = 64 * 1024 * 1024  # of a client's journal, beside twice what is open
MAX_DECIDED_HELD = 10_000  # that could not be moved out of a client's journal
MAX_NAMES_REMEMBERED = 1_000_000  # decided names of one client, for ever: about 150 MB
MAX_SUBMISSION_NAME = 128  # characters of what a caller calls a submission
MAX_QUEUED = 2_000  # envelopes of a channel that wait to be put into a block
MAX_QUEUED_BYTES = 64 * 1024 * 1024  # all of them together
