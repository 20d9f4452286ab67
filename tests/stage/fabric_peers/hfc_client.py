"""fabric-sdk-py, unmodified, in its own environment: asks what the JSON on its command line says.

    { profile, organisation, user, channel, chaincode, peers: [name],
      calls: [{ do: "query" | "invoke" | "info", name, arguments, event }] }

Prints one line of JSON an answer. The profile is one as its users write them; its `users` have the
key and certificate of `user`.
"""

import asyncio
import json
import sys

from hfc.fabric import Client

PATIENCE_S = 20


async def ask(client, facts, call):
    """One answer."""
    requestor = client.get_user(facts["organisation"], facts["user"])
    asked = {"requestor": requestor, "channel_name": facts["channel"], "peers": facts["peers"]}
    if call["do"] == "info":
        info = await client.query_info(**asked)
        return {"height": info.height, "hash": info.currentBlockHash.hex()}
    asked |= {"args": call["arguments"], "cc_name": facts["chaincode"], "fcn": call["name"]}
    if call["do"] == "query":
        return {"result": await client.chaincode_query(**asked)}
    result = await client.chaincode_invoke(
        **asked,
        wait_for_event=True,
        wait_for_event_timeout=PATIENCE_S,
        cc_pattern=call.get("event"),
    )
    return {"result": result}


async def main():
    """All calls, one after the other."""
    facts = json.loads(sys.argv[1])
    client = Client(net_profile=facts["profile"])
    client.new_channel(facts["channel"])
    for call in facts["calls"]:
        try:
            said = await ask(client, facts, call)
        except Exception as error:  # noqa: BLE001 - whatever it says is the answer
            said = {"error": type(error).__name__, "message": str(error)}
        print(json.dumps(said), flush=True)  # noqa: T201 - its answer


asyncio.run(main())
