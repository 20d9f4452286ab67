// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ChannelId, IChannelEscrow} from "../../../../contracts/interfaces/trading/IChannelEscrow.sol";
import {ChannelEscrow} from "../../../../contracts/trading/ChannelEscrow.sol";
import {vm} from "../Vm.sol";

/// @title ChannelSignatures: lists of one channel with all that has to be signed in them
/// @dev The types are written again, not those of the contract's library.
abstract contract ChannelSignatures {
    uint256 internal constant PAYER_KEY = 0x4001;
    uint256 internal constant SELLER_KEY = 0x4002;
    uint256 internal constant PAYER_SIGNS = 0x4003;
    uint256 internal constant SELLER_SIGNS = 0x4004;
    string private constant VOUCHER =
        "Voucher(bytes32 channel,uint256 index,uint256 amount,bytes32 templateHash,address controller,uint256 epoch)";
    string private constant AMENDMENT =
        "Amendment(bytes32 channel,uint256 number,uint256 amount,address payerKey,address sellerKey,address controller,uint256 epoch,uint256 validUntil)";

    ChannelEscrow public escrow;

    function _one(IChannelEscrow.Terms memory terms)
        internal
        pure
        returns (IChannelEscrow.Terms[] memory list)
    {
        list = new IChannelEscrow.Terms[](1);
        list[0] = terms;
    }

    function _opening(IChannelEscrow.Terms memory terms)
        internal
        view
        returns (IChannelEscrow.Opening[] memory list)
    {
        bytes32 said = keccak256(
            abi.encode(
                keccak256("Opening(bytes32 channel,uint256 validUntil)"),
                escrow.channelIdOf(terms),
                block.timestamp
            )
        );
        list = new IChannelEscrow.Opening[](1);
        list[0] = IChannelEscrow.Opening(terms, block.timestamp, _signed(SELLER_KEY, said), "");
    }

    function _reduction(IChannelEscrow.Terms memory terms, uint256 amount)
        internal
        view
        returns (IChannelEscrow.Reduction[] memory list)
    {
        ChannelId channel = escrow.channelIdOf(terms);
        uint256 number = escrow.agreementsOf(channel);
        bytes32 said = keccak256(
            abi.encode(
                keccak256("Reduction(bytes32 channel,uint256 number,uint256 amount,uint256 validUntil)"),
                channel,
                number,
                amount,
                block.timestamp
            )
        );
        (bytes memory a, bytes memory b) = _both(said);
        list = new IChannelEscrow.Reduction[](1);
        list[0] = IChannelEscrow.Reduction(terms, number, amount, block.timestamp, a, b);
    }

    function _claim(IChannelEscrow.Terms memory terms, uint256 amount)
        internal
        view
        returns (IChannelEscrow.Claim[] memory list)
    {
        IChannelEscrow.Voucher memory voucher = IChannelEscrow.Voucher(1, amount, 0, address(0), 0);
        (bytes memory a, bytes memory b) = _both(_voucher(terms, voucher));
        list = new IChannelEscrow.Claim[](1);
        list[0] = IChannelEscrow.Claim(terms, voucher, a, b);
    }

    function _amendment(IChannelEscrow.Terms memory terms, uint256 amount, address controller)
        internal
        view
        returns (IChannelEscrow.Amendment[] memory list)
    {
        ChannelId channel = escrow.channelIdOf(terms);
        IChannelEscrow.Signers memory signers = escrow.signersOf(terms);
        if (signers.controller != controller) {
            (signers.controller, signers.epoch) = (controller, signers.epoch + 1);
        }
        uint256 number = escrow.agreementsOf(channel);
        bytes32 said = keccak256(
            abi.encode(keccak256(bytes(AMENDMENT)), channel, number, amount, signers, block.timestamp)
        );
        (bytes memory a, bytes memory b) = _both(said);
        list = new IChannelEscrow.Amendment[](1);
        list[0] = IChannelEscrow.Amendment(terms, number, amount, signers, block.timestamp, a, b);
    }

    function _closing(IChannelEscrow.Terms memory terms, uint256 amount)
        internal
        view
        returns (IChannelEscrow.Closing[] memory list)
    {
        bytes32 said = keccak256(
            abi.encode(
                keccak256("Closing(bytes32 channel,uint256 amount,uint256 validUntil)"),
                escrow.channelIdOf(terms),
                amount,
                block.timestamp
            )
        );
        (bytes memory a, bytes memory b) = _both(said);
        list = new IChannelEscrow.Closing[](1);
        list[0] = IChannelEscrow.Closing(terms, amount, block.timestamp, a, b);
    }

    function _response(
        IChannelEscrow.Terms memory terms,
        uint256 amount,
        address tower,
        uint256 number,
        bool bySeller
    ) internal view returns (IChannelEscrow.Response[] memory list) {
        IChannelEscrow.Voucher memory voucher = IChannelEscrow.Voucher(2, amount, 0, address(0), 0);
        bytes32 said = keccak256(
            abi.encode(
                keccak256("Delegation(bytes32 channel,address tower,uint256 number)"),
                escrow.channelIdOf(terms),
                tower,
                number
            )
        );
        list = new IChannelEscrow.Response[](1);
        list[0] = IChannelEscrow.Response(
            terms,
            voucher,
            _signed(PAYER_SIGNS, _voucher(terms, voucher)),
            tower,
            number,
            _signed(bySeller ? PAYER_SIGNS : SELLER_SIGNS, said)
        );
    }

    function _voucher(IChannelEscrow.Terms memory terms, IChannelEscrow.Voucher memory voucher)
        private
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(keccak256(bytes(VOUCHER)), escrow.channelIdOf(terms), voucher));
    }

    function _both(bytes32 said) private view returns (bytes memory, bytes memory) {
        return (_signed(PAYER_SIGNS, said), _signed(SELLER_SIGNS, said));
    }

    function _signed(uint256 key, bytes32 said) private view returns (bytes memory) {
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", escrow.domainSeparator(), said));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }
}
