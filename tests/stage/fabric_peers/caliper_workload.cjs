// What each worker of Caliper does: a value under a key of its own, never the same twice.
"use strict";

const path = require("node:path");

const core = path.join(process.env.CALIPER, "node_modules", "@hyperledger", "caliper-core");
const { WorkloadModuleBase } = require(core);

class Put extends WorkloadModuleBase {
  async submitTransaction() {
    this.made = (this.made ?? 0) + 1;
    await this.sutAdapter.sendRequests({
      contractId: this.roundArguments.chaincode,
      contractFunction: "put",
      contractArguments: [`caliper-${this.workerIndex}-${this.made}`, "x".repeat(100)],
      readOnly: false,
      timeout: 30,
    });
  }
}

module.exports.createWorkloadModule = () => new Put();
