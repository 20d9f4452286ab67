"""Every limit of the system, each derived from the few that are chosen.

A job that the contract takes must be one that everybody can play to its end: record, send, judge,
export. So the sizes of a job are bounded by products, and every file, message and record is as
large as these make it, by the arithmetic below; `tests` play the largest job at each of them.

| chosen                 | number | why                                                          |
|------------------------|--------|--------------------------------------------------------------|
| `MAX_NODES`            | 64     | loops over the indices of a job, gas                         |
| `MAX_BATCH`            | 4096   | inputs under one sharing                                     |
| `MAX_VALUES`           | 2^18   | batch * k, batch * n: one share, one answer, in memory often |
| `MAX_JOB_VALUES`       | 2^22   | the larger one times m: what the device holds and journals   |
| `MAX_PRODUCTS`         | 2^28   | term count * batch: e = 15 charged tasks of a job are 12 s   |
|                        |        | of a judge at 3 ns a product of a dense function; one of a   |
|                        |        | sparse function costs about 4, so 48 s of the W = 60 s,      |
|                        |        | `JUDGED_PER_S`; a device looks whether J has them            |
| `MAX_FUNCTION_BYTES`   | 64 MiB | one upload; of the scheme (`crypto.polynomial`), as          |
| k, n, d                | 2000, 1024, 20 | these are                                            |

| derived                | bytes                         | held by                               |
|------------------------|-------------------------------|---------------------------------------|
| `MAX_SHARE_BYTES`      | 17 (2^18 + 1)                 | task, its record                      |
| `MAX_OUTPUT_BYTES`     | 2 * 17 * 2^18                 | answer, its record                    |
| `MAX_TASK_BYTES`, `MAX_ANSWER_BYTES` | those and a head | bodies of the routes                  |
| `MAX_EVIDENCE_BYTES`   | both of these and a head      | body of a route                       |
| `MAX_ORDER_BYTES`      | 17 (2^22 + 64) and heads      | the device's largest record           |
| `MAX_EVIDENCE_RECORD_BYTES` | share, answer and a head | the judge's largest record            |
| `MAX_RECORD_BYTES`     | the largest of them           | a part of what a journal takes        |
| `MAX_SHARING_FILE_BYTES` | hexadecimal of a share      | `share-NN.json`, `secret.json`        |
| `MAX_ANSWERS_FILE_BYTES` | 2 * 17 * 2^22 and heads     | exported answers, as bytes            |
| `MAX_BUNDLE_BYTES`     | hexadecimal of F and of e cases | evidence, replay                    |
| `LARGEST_TASK_BYTES`   | share and answer              | least room of a node, `max_held_mib`  |
| `MAX_DEVICE_BYTES`     | twice all shares and answers  | disk of the device, for one job       |

The contract has the chosen ones in `JobTerms.sol`, under the same names.
"""

from __future__ import annotations

from edgemark.crypto.field.field import ELEMENT_BYTES
from edgemark.crypto.polynomial import (
    MAX_DEGREE,
    MAX_FUNCTION_BYTES,
    MAX_INPUTS,
    MAX_OUTPUTS,
    MAX_TERMS,
)
from edgemark.models.table import TableLimits

__all__ = ["MAX_DEGREE", "MAX_FUNCTION_BYTES", "MAX_INPUTS", "MAX_OUTPUTS", "MAX_TERMS"]

# --- chosen ------------------------------------------------------------------------------------

MAX_NODES = 64
MAX_BATCH = 4096
MAX_VALUES = 2**18
MAX_JOB_VALUES = 2**22
MAX_PRODUCTS = 2**28
MAX_JUDGES = 16  # of the EnclaveManager
JUDGED_PER_S = 80_000_000  # products of a sparse function, by one computing thread of a judge
TABLE = TableLimits(MAX_BATCH, MAX_VALUES)

# --- a job -------------------------------------------------------------------------------------

MAX_ERRORS = (MAX_NODES - 1) // 4  # e <= t and 2t + 1 + 2e <= m, for d = 1
MAX_SHARE_BYTES = ELEMENT_BYTES * (MAX_VALUES + 1)
MAX_OUTPUT_BYTES = 2 * ELEMENT_BYTES * MAX_VALUES
MAX_ALL_SHARES_BYTES = ELEMENT_BYTES * (MAX_JOB_VALUES + MAX_NODES)
MAX_ALL_OUTPUTS_BYTES = 2 * ELEMENT_BYTES * MAX_JOB_VALUES
LARGEST_TASK_BYTES = MAX_SHARE_BYTES + MAX_OUTPUT_BYTES  # what a node holds of one task

# --- messages ----------------------------------------------------------------------------------

HEAD_BYTES = 1024  # of a message: places, hashes, terms, branch, signature; the longest has 500
MAX_TASK_BYTES = MAX_SHARE_BYTES + HEAD_BYTES
MAX_ANSWER_BYTES = MAX_OUTPUT_BYTES + HEAD_BYTES
MAX_EVIDENCE_BYTES = MAX_TASK_BYTES + MAX_ANSWER_BYTES + HEAD_BYTES
MAX_SMALL_BYTES = 4096  # offers, read requests, opinions

# --- records: a head of JSON, then the large parts as they are ----------------------------------

RECORD_HEAD_BYTES = 4096  # of one task or answer with its terms, in JSON
MAX_ORDER_BYTES = MAX_ALL_SHARES_BYTES + (MAX_NODES + 1) * RECORD_HEAD_BYTES
MAX_EVIDENCE_RECORD_BYTES = MAX_SHARE_BYTES + MAX_OUTPUT_BYTES + 2 * RECORD_HEAD_BYTES
MAX_RECORD_BYTES = max(MAX_ORDER_BYTES, MAX_EVIDENCE_RECORD_BYTES)

# Journaled and archived: a task and an answer of each node, an order and a result. The most are of
# the fewest nodes with the longest shares; more nodes have shorter ones, and more heads weigh less.
MAX_DEVICE_BYTES = 2 * (MAX_JOB_VALUES // MAX_VALUES + 1) * (LARGEST_TASK_BYTES + RECORD_HEAD_BYTES)

# --- the disk of a server ----------------------------------------------------------------------

DISK_COPIES = 2  # of a task's records: in the journal, and while it is rewritten or archived
DISK_RESERVE_BYTES = 64 * 2**20  # for everything else: 48 MiB that no waiting body takes, and more

# --- files that leave a home -------------------------------------------------------------------

HEX = 2  # characters a byte
FILE_HEAD_BYTES = 16 * 1024  # names, terms, hashes of 64 shares, signatures
MAX_ANSWERS = 2  # two different signed answers for one task are all there is to say
MAX_SHARING_FILE_BYTES = HEX * MAX_SHARE_BYTES + FILE_HEAD_BYTES
MAX_ANSWERS_FILE_BYTES = MAX_ALL_OUTPUTS_BYTES + (MAX_NODES + 1) * FILE_HEAD_BYTES


def _cases_bytes() -> int:
    """Shares and answers of all charged nodes, at most e of m >= 4e + 1 nodes.

    With e charged nodes a job has m > 4e nodes, so they hold less than a quarter of all values.
    """
    values = MAX_JOB_VALUES // 4
    shares = ELEMENT_BYTES * (values + MAX_ERRORS)
    return shares + MAX_ANSWERS * 2 * ELEMENT_BYTES * values


MAX_BUNDLE_BYTES = HEX * (MAX_FUNCTION_BYTES + _cases_bytes()) + (MAX_ERRORS + 1) * FILE_HEAD_BYTES
