"""What the index tells of jobs and parties is what the contracts say, and every sum is zero.

One market of six nodes plays every end that a job or an index can have; nothing of it is read but
events, and all of it is compared with what the contracts store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice

import pytest
from tests.offchain.systems.outsourcing.cast import small_order
from tests.offchain.systems.outsourcing.words_of_phases import read_words
from tools.gas_lab import open_lab
from tools.gas_market import CHARGED, SMALL, Job, Market

from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.chronicle.book import Book
from edgemark.chronicle.marks import Mark
from edgemark.errors import RefusedInput
from edgemark.identifiers import NOBODY, Address, Timestamp
from edgemark.indexer.keeping import EventIndex
from edgemark.indexer.store import IndexStore
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.systems.outsourcing.contract.amounts import (
    compute_judge_share,
    compute_judge_threshold,
    compute_payout,
)
from edgemark.systems.outsourcing.contract.events import JobPosted
from edgemark.systems.outsourcing.contract.records import (
    Finding,
    IndexPhase,
    IndexView,
    JobView,
)
from edgemark.systems.outsourcing.contract.settlement import SettlementContract
from edgemark.systems.outsourcing.device.job import DeviceJob
from edgemark.systems.outsourcing.device.observing import observe_as_device
from edgemark.systems.outsourcing.identifiers import JobId
from edgemark.systems.outsourcing.protocol import events as on
from edgemark.systems.outsourcing.protocol.life import step
from edgemark.systems.outsourcing.protocol.phases import DevicePhase
from edgemark.systems.outsourcing.station.contracts import JOB_SETTLEMENT, OutsourcingContracts
from edgemark.systems.outsourcing.story.folding import INDEX_PHASES
from edgemark.systems.outsourcing.story.history import History, PartyBook
from edgemark.systems.outsourcing.story.reading import Chronicle
from edgemark.systems.outsourcing.story.story import (
    STATES,
    Charge,
    IndexStory,
    JobStory,
    check_amounts,
)
from edgemark.systems.outsourcing.story.telling import as_facts, tell

pytestmark = pytest.mark.chain

ENDS = {
    "paid": IndexPhase.PAID,
    "convicted": IndexPhase.CONVICTED,
    "refuted": IndexPhase.REFUTED,
    "answered": IndexPhase.ANSWERED,
    "missing": IndexPhase.CONVICTED,
    "void": IndexPhase.VOID,
    "lapsed": IndexPhase.LAPSED,
    "unearned": IndexPhase.UNEARNED,
    "cancelled": IndexPhase.RELEASED,
    "open": IndexPhase.COMMITTED,
    "posted": IndexPhase.NAMED,
}


@dataclass
class Played:
    """The market after everything, and its index."""

    market: Market
    jobs: dict[str, Job]
    store: IndexStore

    @property
    def history(self) -> History:
        return History(self.store, self.market.deployment)

    def read(self, name: str) -> JobStory:
        return self.history.read(self.jobs[name].job)

    def party(self, account: Address) -> PartyBook:
        return self.history.read_party(account)

    def book(self, account: Address) -> Book:
        return self.party(account).tokens

    @property
    def accounts(self) -> list[Address]:
        """Everybody who can own tokens in the anchor."""
        market = self.market
        servers = [f"node {j}" for j in range(1, market.size.nodes + 1)]
        servers += [f"judge {j}" for j in range(1, market.size.judges + 1)]
        roles = ["payer", "pool", *servers, *(f"provider of {server}" for server in servers)]
        return [market.key(role).address for role in roles]


def play(market: Market) -> dict[str, Job]:
    """One job an end."""
    everybody = list(range(1, market.size.nodes + 1))

    def committed() -> Job:
        return Job(market).start().commit(*everybody)

    def pay_others(job: Job) -> Job:
        others = [j for j in job.indices if j != CHARGED]
        job.act("", market.key("payer"), "approve", job.job, others)
        return job

    jobs = {"paid": committed()}
    jobs["paid"].act("", market.key("payer"), "approve", jobs["paid"].job, everybody)
    for name, finding in (("convicted", Finding.WRONG), ("refuted", Finding.RIGHT)):
        jobs[name] = pay_others(committed().charge([CHARGED], []).serve())
        jobs[name].judge(finding)
    jobs["answered"] = pay_others(committed().charge([], [CHARGED]).serve())
    jobs["answered"].judge(Finding.RIGHT)
    jobs["missing"] = pay_others(committed().charge([], [CHARGED]).serve())
    market.lab.wait_until(jobs["missing"].index().answer_by + 1)
    jobs["missing"].judge(Finding.MISSING)
    jobs["void"] = pay_others(committed().charge([CHARGED], []))
    market.lab.wait_until(jobs["void"].index().served_by + 1)
    jobs["void"].end("voidCharge", "", jobs["void"].job, CHARGED)
    jobs["lapsed"] = pay_others(committed().charge([CHARGED], []).serve())
    market.lab.wait_until(jobs["lapsed"].index().verdict_by + 1)
    jobs["lapsed"].end("claim", "", [jobs["lapsed"].job])
    jobs["unearned"] = Job(market).start().commit(*(j for j in everybody if j != CHARGED))
    market.lab.wait_until(jobs["unearned"].terms.collect_by + 1)
    jobs["unearned"].end("claim", "", [jobs["unearned"].job])
    jobs["cancelled"] = Job(market)
    jobs["cancelled"].accept(1)
    market.lab.wait_until(jobs["cancelled"].terms.accept_by + 1)
    jobs["cancelled"].end("cancelUnstarted", "", jobs["cancelled"].job)
    jobs["open"] = committed()
    jobs["posted"] = Job(market)
    return jobs


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("history")
    with open_lab(folder / "chain", "prague") as lab:
        market = Market(lab, SMALL)
        market.settle_in()
        jobs = play(market)
        path = folder / "index.sqlite"
        with IndexStore.open_to_write(path, market.deployment) as store:
            EventIndex(lab.chain, market.deployment, store).sync()
            assert store.check() == []
            yield Played(market, jobs, store)


@pytest.mark.parametrize("name", ENDS)
def test_read__of_any_end__has_the_phases_that_the_contract_stores(
    played: Played, name: str
) -> None:
    job = played.jobs[name]
    story = played.read(name)
    contract = SettlementContract(
        played.market.lab.chain,
        played.market.deployment,
        played.market.deployment.group(OutsourcingContracts).judges,
    )
    stored = contract.indices(job.job, SMALL.nodes, block="latest")
    assert [place.phase for place in story.indices] == [view.phase for view in stored]
    assert story.at(CHARGED).phase is ENDS[name]
    assert story.payer == played.market.key("payer").address
    assert story.terms == job.terms


def test_every_event_of_an_index__leads_to_a_phase() -> None:
    kinds = JOB_SETTLEMENT.events
    of_indices = {kind for kind in kinds if "index" in {part.name for part in fields(kind)}}
    assert of_indices == set(INDEX_PHASES)


def test_read__says_where_the_job_as_a_whole_is(played: Played) -> None:
    states = {name: played.read(name).state for name in played.jobs}
    others = {"cancelled": "cancelled", "open": "started", "posted": "posted"}
    assert states == {name: others.get(name, "settled") for name in ENDS}
    assert set(states.values()) == set(STATES)


def follow(job: JobView, indices: Sequence[IndexView]) -> DeviceJob:
    """The job as a device knows it that decodes at once, from what the contract stores."""
    order = replace(small_order(), nodes=(NOBODY,) * len(indices))
    blank = DeviceJob(DevicePhase.POSTED, order=order, indices=(IndexPhase.NAMED,) * len(indices))
    state, _ = step(blank, on.SawStarted(job.started_at)) if job.started_at else (blank, ())
    if job.started_at:
        state, _ = step(state, on.FoundResultValid(b"", (), (), (), ()))
    for event in observe_as_device(state, job, indices):
        state, _ = step(state, event)
    return state


@pytest.mark.parametrize("name", ENDS)
def test_r32_where_a_job_is__is_one_word_for_its_device_the_index_and_explain(
    played: Played, name: str
) -> None:
    market, story = played.market, played.read(name)
    judges = market.deployment.group(OutsourcingContracts).judges
    contract = SettlementContract(market.lab.chain, market.deployment, judges)
    wanted = [(story.job, range(1, SMALL.nodes + 1))]
    ((job, indices),) = contract.views(wanted, block=market.lab.chain.head())
    device = follow(job, indices)
    everybody, of_contract = read_words()[device.phase.value]
    assert story.state == as_facts(story)["phase"] == everybody
    assert of_contract == job.phase.name.capitalize()
    assert tell(story, str).startswith(f"job {story.job.hex()}: {everybody}\n")
    if device.is_finished or story.state in ("settled", "cancelled"):
        assert device.phase.value == story.state


def test_r32_a_job_whose_lock_went_back__is_over_for_everybody(played: Played) -> None:
    for name, word in (("open", "settled"), ("posted", "cancelled")):
        story = played.read(name)
        pots = tuple(replace(pot, remaining=0, given_back=pot.remaining) for pot in story.pots)
        assert replace(story, pots=pots).state == word  # as its device, which returned its own


def test_read__of_a_job_that_is_not_there__is_refused(played: Played) -> None:
    with pytest.raises(RefusedInput, match="is not in the index"):
        played.history.read(JobId(bytes(32)))


def test_list_events__of_a_job__are_the_settlements_and_begin_with_the_posting(
    played: Played,
) -> None:
    job = played.jobs["void"]
    events = [dated.event for dated in played.history.list_events(job.job)]
    assert isinstance(events[0], JobPosted)
    assert {type(event) for event in events} <= set(JOB_SETTLEMENT.events)
    assert all(event.job == job.job for event in events)


def without_calls(story: JobStory) -> JobStory:
    """What events alone can tell of a story: nobody's name under a transaction, no signature."""

    def bare(mark: Mark | None) -> Mark | None:
        return None if mark is None else replace(mark, sender=None)

    def silent(charge: Charge | None) -> Charge | None:
        if charge is None:
            return None
        marks = {"filed": replace(charge.filed, sender=None), "served": bare(charge.served)}
        return replace(charge, **marks, served_signatures=(), verdict_signatures=())

    def plain(place: IndexStory) -> IndexStory:
        marks = {name: bare(getattr(place, name)) for name in ("accepted", "committed", "ended")}
        return replace(
            place, **marks, charge=silent(place.charge), acceptance=b"", valid_until=Timestamp(0)
        )

    return replace(
        story,
        posted=replace(story.posted, sender=None),
        started=bare(story.started),
        cancelled=bare(story.cancelled),
        indices=tuple(plain(place) for place in story.indices),
        pots=tuple(replace(pot, returned=bare(pot.returned)) for pot in story.pots),
    )


@pytest.mark.parametrize("name", ENDS)
def test_read__of_any_end__is_the_chains_own_but_for_what_no_event_says(
    played: Played, name: str
) -> None:
    job, market = played.jobs[name].job, played.market
    chain = EvmChain(market.lab.chain.url, chain_id=None, confirmations=0).connect()
    told = Chronicle(chain, market.deployment).read(job)
    found = played.history.read(job)
    assert found == without_calls(told)
    assert all(check.agrees for check in check_amounts(found))
    assert tell(found, str) == tell(without_calls(told), str)


def test_list_jobs__gives_the_newest_first_and_keeps_to_what_was_asked(played: Played) -> None:
    ids = [job.job for job in played.jobs.values()]
    payer, node = played.market.key("payer").address, played.market.nodes[0].address
    listed = [story.job for story in played.history.list_jobs()]
    assert listed == ids[::-1]
    assert [s.job for s in played.history.list_jobs(payer=payer)] == listed
    assert [s.job for s in played.history.list_jobs(node=node)] == listed
    assert [s.job for s in played.history.list_jobs(payer=payer, node=node)] == listed
    assert list(played.history.list_jobs(payer=node)) == []
    assert list(played.history.list_jobs(node=payer)) == []
    (cancelled,) = played.history.list_jobs(state="cancelled")
    assert cancelled.job == played.jobs["cancelled"].job
    assert [s.job for s in islice(played.history.list_jobs(), 2)] == listed[:2]


def test_read_party__of_everybody__has_the_free_balance_that_the_anchor_says(
    played: Played,
) -> None:
    market = played.market
    anchor = AnchorAccounts(market.lab.chain, market.deployment.contract("AssetAnchor"))
    books = {account: played.book(account) for account in played.accounts}
    assert {account: book.free for account, book in books.items()} == {
        account: anchor.free_balance(account) for account in books
    }
    assert sum(book.locked for book in books.values()) == anchor.totals().locked > 0
    assert sum(book.free for book in books.values()) == anchor.totals().free


def test_read_party__all_that_is_earned__was_lost_by_somebody(played: Played) -> None:
    books = [played.book(account) for account in played.accounts]
    # The payer's deposits in the open jobs are locked, not lost; the nodes' stakes too.
    assert sum(book.earned for book in books) == sum(book.lost for book in books) > 0


def test_read_party__of_the_charged_node__adds_up_what_the_table_of_amounts_says(
    played: Played,
) -> None:
    node = played.market.nodes[CHARGED - 1].address
    terms = played.jobs["paid"].terms
    ended = [end for name, end in ENDS.items() if name not in ("open", "posted", "cancelled")]
    changes = [compute_payout(end, terms).node - terms.stake for end in ended]
    party = played.party(node)
    book = party.tokens
    assert book.earned == sum(change for change in changes if change > 0)
    assert book.lost == -sum(change for change in changes if change < 0)
    assert party.convicted == 2
    assert party.worked == len(ENDS) - 1  # the posted one it was only named in
    assert party.indices == {end: list(ENDS.values()).count(end) for end in ENDS.values()}
    assert party.posted == 0


def test_read_party__of_a_judge__has_its_share_of_every_charge_that_was_heard(
    played: Played,
) -> None:
    heard = ("convicted", "refuted", "answered", "missing")
    count, fee = SMALL.judges, played.jobs["paid"].terms.judge_fee
    share, _ = compute_judge_share(fee, count, count)
    signed = 0
    for judge in played.market.judges:
        book = played.book(judge.address)
        assert book.lost == 0
        assert book.earned in {0, share * len(heard)}  # the same judges sign every verdict
        signed += book.earned > 0
    assert signed >= compute_judge_threshold(count)


def test_read_party__of_the_payer__counts_its_jobs(played: Played) -> None:
    party = played.party(played.market.key("payer").address)
    assert party.posted == len(ENDS)
    assert (party.worked, party.convicted) == (0, 0)
    terms = played.jobs["open"].terms
    assert party.tokens.locked == 2 * terms.node_count * terms.fee


def test_read_party__of_a_stranger__is_empty(played: Played) -> None:
    stranger = played.market.key("stranger").address
    assert played.party(stranger) == PartyBook(Book(stranger))
