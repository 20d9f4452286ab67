// What the npm package ethr-did-resolver says of DIDs: of a chain that answers at "rpc", or of logs that
// are handed in. One JSON value in, one out: {now, chainId, registry, rpc | logs and times, dids}.
import { readFileSync, writeFileSync } from 'node:fs'
import { Resolver } from 'did-resolver'
import { AbiCoder, JsonRpcApiProvider, JsonRpcProvider, Network, toBeHex } from 'ethers'
import { getResolver } from 'ethr-did-resolver'

const asked = JSON.parse(readFileSync(0, 'utf8'))
const CHANGED = '0xf96d0f9f' // changed(address)
const OPTIONS = { staticNetwork: true, batchMaxCount: 1, batchStallTime: 0 }
const HASH = '0x' + '11'.repeat(32)

/** A chain of which only the registry's logs and the times of its blocks are known. */
class WrittenChain extends JsonRpcApiProvider {
  constructor() {
    super(Network.from(asked.chainId), OPTIONS)
    this._start()
  }

  async _send(payload) {
    const requests = Array.isArray(payload) ? payload : [payload]
    return requests.map(({ id, method, params }) => ({ id, result: this.#answer(method, params) }))
  }

  #answer(method, [first]) {
    switch (method) {
      case 'eth_call':
        return this.#changed(first.data)
      case 'eth_getLogs':
        return asked.logs.filter(
          (log) => log.blockNumber === first.fromBlock && log.topics[1] === first.topics[1].toLowerCase()
        )
      case 'eth_getBlockByNumber':
        return this.#block(Number(first))
    }
    throw new Error(`nobody answers ${method}`)
  }

  #changed(data) {
    if (!data.startsWith(CHANGED)) throw new Error(`nobody answers ${data}`)
    const own = asked.logs.filter((log) => log.topics[1] === '0x' + data.slice(10))
    return AbiCoder.defaultAbiCoder().encode(['uint256'], [own.length ? own.at(-1).blockNumber : 0])
  }

  #block(number) {
    const zero = { nonce: '0x' + '00'.repeat(8), difficulty: '0x0', gasLimit: '0x0', gasUsed: '0x0' }
    const rest = { miner: asked.registry, extraData: '0x', transactions: [], baseFeePerGas: '0x0' }
    const timestamp = toBeHex(asked.times[number])
    return { ...zero, ...rest, hash: HASH, parentHash: HASH, number: toBeHex(number), timestamp }
  }
}

const Clock = Date
globalThis.Date = class extends Clock {
  constructor(...given) {
    super(...(given.length ? given : [asked.now * 1000]))
  }
}

const provider = asked.rpc ? new JsonRpcProvider(asked.rpc, asked.chainId, OPTIONS) : new WrittenChain()
const network = { chainId: asked.chainId, registry: asked.registry, provider }
const resolver = new Resolver(getResolver({ networks: [network] }))
const answers = await Promise.all(asked.dids.map((did) => resolver.resolve(did)))
writeFileSync(1, JSON.stringify(answers))
process.exit(0)
