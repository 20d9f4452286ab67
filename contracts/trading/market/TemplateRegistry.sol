// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Bounds} from "../../anchoring/Bounds.sol";
import {
    ITemplateRegistry,
    TemplateId,
    TemplateVersionId
} from "../../interfaces/trading/ITemplateRegistry.sol";

/// @title TemplateRegistry
/// @notice Read ITemplateRegistry first: it says what every function does.
contract TemplateRegistry is ITemplateRegistry {
    using SafeCast for uint256;

    uint256 private constant MAX_TEXT_BYTES = 65_536;
    uint256 private constant MAX_LOCATOR_BYTES = 128;

    mapping(TemplateId template => Template entry) private _templates;
    mapping(TemplateVersionId version => Version entry) private _versions;

    /// @inheritdoc ITemplateRegistry
    function register(Draft calldata draft) external returns (TemplateVersionId version) {
        if (draft.name == 0 || draft.contentHash == 0) revert NothingNamed(draft.name, draft.contentHash);
        Bounds.requireWithin("textBytes", draft.textBytes, 1, MAX_TEXT_BYTES);
        Bounds.requireWithin("locator", bytes(draft.locator).length, 1, MAX_LOCATOR_BYTES);
        TemplateId template = templateIdOf(msg.sender, draft.name);
        _requireNext(template, draft);
        _requireSettlement(draft);

        version = versionIdOf(template, draft.number);
        _templates[template] = Template(draft.kind, draft.number);
        _versions[version] = Version(
            draft.kind,
            draft.number,
            draft.textBytes,
            block.timestamp.toUint40(),
            0,
            draft.contentHash,
            draft.settlement
        );
        emit TemplateRegistered(version, template, msg.sender, draft);
    }

    /// @inheritdoc ITemplateRegistry
    function deprecate(bytes32 name, uint256 number) external {
        TemplateVersionId version = versionIdOf(templateIdOf(msg.sender, name), number);
        Version storage entry = _versions[version];
        if (entry.kind == TemplateKind.None) revert VersionUnknown(version);
        if (entry.deprecatedAt != 0) revert AlreadyDeprecated(version, entry.deprecatedAt);

        entry.deprecatedAt = block.timestamp.toUint40();
        emit TemplateDeprecated(version);
    }

    /// @inheritdoc ITemplateRegistry
    function versionOf(TemplateVersionId version) external view returns (Version memory) {
        return _versions[version];
    }

    /// @inheritdoc ITemplateRegistry
    function templateOf(TemplateId template) external view returns (Template memory) {
        return _templates[template];
    }

    /// @inheritdoc ITemplateRegistry
    function templateIdOf(address registrant, bytes32 name) public pure returns (TemplateId) {
        return TemplateId.wrap(keccak256(abi.encode(registrant, name)));
    }

    /// @inheritdoc ITemplateRegistry
    function versionIdOf(TemplateId template, uint256 number) public pure returns (TemplateVersionId) {
        return TemplateVersionId.wrap(keccak256(abi.encode(template, number)));
    }

    /// @dev Of the kind that the template has, and the next in number: a call that was meant to come after
    /// another one, and comes before it, registers nothing.
    function _requireNext(TemplateId template, Draft calldata draft) private view {
        Template memory had = _templates[template];
        TemplateKind kind = had.latest == 0 ? draft.kind : had.kind;
        if (draft.kind == TemplateKind.None || draft.kind != kind) {
            revert TemplateKindWrong(template, draft.kind, had.kind);
        }
        uint256 needed = uint256(had.latest) + 1;
        if (draft.number != needed) revert VersionNumberWrong(template, draft.number, needed);
    }

    /// @dev An initiation template leads to a settlement template that new trades may have.
    function _requireSettlement(Draft calldata draft) private view {
        Version memory named = _versions[draft.settlement];
        bool isNone = TemplateVersionId.unwrap(draft.settlement) == 0;
        bool fits = draft.kind == TemplateKind.Settlement
            ? isNone
            : named.kind == TemplateKind.Settlement && named.deprecatedAt == 0;
        if (!fits) revert SettlementWrong(draft.settlement, named.kind, named.deprecatedAt);
    }
}
