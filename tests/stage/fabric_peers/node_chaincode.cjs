// A chaincode on Fabric's own shim for Node.js, unmodified, run as a service:
//
//   node node_chaincode.cjs PACKAGE_ID HOST:PORT
//
// put KEY VALUE (tells the event "put"), get KEY, delete KEY, range FROM TO, history KEY, both
// KEY (reads, then writes), call CHAINCODE FUNCTION ..., fail TEXT, creator.
"use strict";

const path = require("node:path");

const shim = require(path.join(process.env.FABRIC_PEERS, "node_modules", "fabric-shim"));

async function collect(iterator, tell) {
  const found = [];
  for (let step = await iterator.next(); !step.done; step = await iterator.next()) {
    found.push(tell(step.value));
  }
  await iterator.close();
  return Buffer.from(JSON.stringify(found));
}

const functions = {
  async put(stub, key, value) {
    await stub.putState(key, Buffer.from(value));
    stub.setEvent("put", Buffer.from(`${key}=${value}`));
    return Buffer.from("kept");
  },
  get: (stub, key) => stub.getState(key),
  async delete(stub, key) {
    await stub.deleteState(key);
    return Buffer.from("gone");
  },
  async range(stub, from, to) {
    const rows = await stub.getStateByRange(from, to);
    return collect(rows, ({ key, value }) => [key, Buffer.from(value).toString()]);
  },
  async history(stub, key) {
    const rows = await stub.getHistoryForKey(key);
    return collect(rows, ({ txId, isDelete }) => [txId, isDelete]);
  },
  async both(stub, key) {
    const before = Number((await stub.getState(key)).toString() || "0");
    await stub.putState(key, Buffer.from(String(before + 1)));
    return Buffer.from(String(before + 1));
  },
  async call(stub, chaincode, ...words) {
    const { status, message, payload } = await stub.invokeChaincode(chaincode, words, "");
    if (status !== 200) throw new Error(message);
    return Buffer.from(payload);
  },
  async fail(_stub, text) {
    throw new Error(text);
  },
  async creator(stub) {
    return Buffer.from(stub.getCreator().mspid);
  },
};

class KeyValue {
  async Init() {
    return shim.success();
  }

  async Invoke(stub) {
    const { fcn, params } = stub.getFunctionAndParameters();
    try {
      if (!Object.hasOwn(functions, fcn)) throw new Error(`no function ${fcn}`);
      return shim.success(await functions[fcn](stub, ...params));
    } catch (error) {
      return shim.error(error.message);
    }
  }
}

const [ccid, address] = process.argv.slice(2);
shim.server(new KeyValue(), { ccid, address, tlsProps: undefined }).start();
