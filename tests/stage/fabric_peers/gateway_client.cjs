// Fabric's own client for Node.js, unmodified: asks what the JSON on its command line says, and
// prints one line of JSON an answer. Run by tests/stage/fabric_peers/running.py.
//
//   { target, tls_ca, server_name, msp_id, certificate, key, channel, chaincode,
//     calls: [{ do: "evaluate" | "submit" | "events", name, arguments, from, count }] }
"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");

const modules = path.join(process.env.FABRIC_PEERS, "node_modules");
const grpc = require(path.join(modules, "@grpc/grpc-js"));
const gateway = require(path.join(modules, "@hyperledger/fabric-gateway"));

const PATIENCE_MS = 20_000;

function within() {
  return { deadline: Date.now() + PATIENCE_MS };
}

function open(facts) {
  const credentials = grpc.credentials.createSsl(fs.readFileSync(facts.tls_ca));
  const options = { "grpc.ssl_target_name_override": facts.server_name };
  const client = new grpc.Client(facts.target, credentials, options);
  const key = crypto.createPrivateKey(fs.readFileSync(facts.key));
  return gateway.connect({
    client,
    identity: { mspId: facts.msp_id, credentials: fs.readFileSync(facts.certificate) },
    signer: gateway.signers.newPrivateKeySigner(key),
    hash: gateway.hash.sha256,
    evaluateOptions: within,
    endorseOptions: within,
    submitOptions: within,
    commitStatusOptions: within,
  });
}

async function hearEvents(network, facts, call) {
  const found = [];
  const events = await network.getChaincodeEvents(facts.chaincode, { startBlock: BigInt(call.from) });
  try {
    for await (const event of events) {
      const { blockNumber, transactionId, eventName, payload } = event;
      const text = Buffer.from(payload).toString();
      found.push({ block: Number(blockNumber), transaction: transactionId, name: eventName, text });
      if (found.length === call.count) break;
    }
  } finally {
    events.close();
  }
  return { events: found };
}

async function submit(contract, call) {
  const commit = await contract.submitAsync(call.name, { arguments: call.arguments });
  const status = await commit.getStatus();
  const result = Buffer.from(commit.getResult()).toString();
  const { code, successful, transactionId } = status;
  return { result, code, successful, transaction: transactionId, block: Number(status.blockNumber) };
}

async function answer(network, facts, call) {
  const contract = network.getContract(facts.chaincode);
  if (call.do === "events") return hearEvents(network, facts, call);
  if (call.do === "submit") return submit(contract, call);
  const result = await contract.evaluate(call.name, { arguments: call.arguments });
  return { result: Buffer.from(result).toString() };
}

function explain(error) {
  const details = (error.details ?? []).map(({ mspId, message }) => ({ msp_id: mspId, message }));
  return { error: error.name, code: error.code ?? null, message: error.message, details };
}

async function main() {
  const facts = JSON.parse(process.argv[2]);
  const opened = open(facts);
  try {
    const network = opened.getNetwork(facts.channel);
    for (const call of facts.calls) {
      const said = await answer(network, facts, call).catch(explain);
      process.stdout.write(`${JSON.stringify(said)}\n`);
    }
  } finally {
    opened.close();
  }
}

main().then(
  () => process.exit(0),
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
);
