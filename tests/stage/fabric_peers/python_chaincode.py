"""A chaincode on PyPI's `fabric-chaincode-python`, unmodified, run as a service.

    python python_chaincode.py PACKAGE_ID HOST:PORT

put KEY VALUE, get KEY. It has no more: that shim sends no event and calls no other chaincode.
"""

import logging
import sys

from fabric_chaincode_python.fabric_shim import server
from fabric_chaincode_python.fabric_shim.interfaces import Chaincode
from fabric_chaincode_python.fabric_shim.response import error, success

logging.getLogger().setLevel(logging.ERROR)


class KeyValue(Chaincode):
    """Values under keys."""

    async def init(self, stub):  # noqa: ARG002 - as the shim calls it
        """Nothing to begin with."""
        return success(b"")

    async def invoke(self, stub):
        """The function that the first argument names."""
        function, words = stub.get_function_and_parameters()
        if function == "put":
            await stub.put_state(words[0], words[1].encode())
            return success(b"kept")
        if function == "get":
            return success(await stub.get_state(words[0]))
        return error(f"no function {function}")


server.start(KeyValue, cc_id=sys.argv[1], address=sys.argv[2])
