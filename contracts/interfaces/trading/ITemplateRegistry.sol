// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev keccak256(abi.encode(registrant, name)): nobody registers under another account's id.
type TemplateId is bytes32;

/// @dev keccak256(abi.encode(template, number)): what terms of channels, vouchers and offers name.
type TemplateVersionId is bytes32;

/// @title Claim templates (the paper's CPT): which fields a credential has, and of which kinds
/// @notice A seller registers templates under names of its own; each version has the hash of its text on
/// chain and the text, a JSON Schema, in content storage. A version never changes; the next one comes from
/// the same account, and a deprecated one is for no new offer.
/// @dev Holds no tokens, and asks nobody. Times are Unix seconds. The id of a template binds who registered
/// it: the same name of another account is another template, so no name can be taken from anybody.
/// Errors that other systems have too: anchoring/Bounds.
interface ITemplateRegistry {
    /// @notice Initiation  of the credential that begins a trade (TIT): terms, prices, strategy
    /// Settlement  of the credential of an interval (TST): fee, start, end, readings
    enum TemplateKind {
        None,
        Initiation,
        Settlement
    }

    /// @notice A version to be registered, by the caller.
    /// @param name        of the template, ASCII, not zero
    /// @param number      of the version: 1, or one more than the last
    /// @param contentHash keccak256 of the text's bytes, not zero
    /// @param textBytes   length of the text, 1 to 65536: whoever fetches it takes no more
    /// @param locator     where the text is, such as a CID, 1 to 128 bytes
    /// @param settlement  of an initiation template: the settlement template of its trades, with its
    ///                    version; zero of others
    struct Draft {
        bytes32 name;
        TemplateKind kind;
        uint32 number;
        bytes32 contentHash;
        uint32 textBytes;
        string locator;
        TemplateVersionId settlement;
    }

    /// @notice Stored for a version: two words, and one more of an initiation template.
    /// @param deprecatedAt zero: it is not
    struct Version {
        TemplateKind kind;
        uint32 number;
        uint32 textBytes;
        uint40 registeredAt;
        uint40 deprecatedAt;
        bytes32 contentHash;
        TemplateVersionId settlement;
    }

    /// @notice Stored for a template: one word.
    /// @param latest number of its last version; zero: there is none
    struct Template {
        TemplateKind kind;
        uint32 latest;
    }

    /// @notice `registrant` registered a version; `draft` says everything about it.
    event TemplateRegistered(
        TemplateVersionId indexed version,
        TemplateId indexed template,
        address indexed registrant,
        Draft draft
    );
    /// @notice A version is for no new offer any more; what was opened with it goes on.
    event TemplateDeprecated(TemplateVersionId indexed version);

    /// @notice Thrown when a template has no name, or a text no hash.
    error NothingNamed(bytes32 name, bytes32 contentHash);
    /// @notice Thrown when a version is not the next one.
    error VersionNumberWrong(TemplateId template, uint256 had, uint256 needed);
    /// @notice Thrown when a template is to be of no kind, or of another than its first version.
    error TemplateKindWrong(TemplateId template, TemplateKind had, TemplateKind needed);
    /// @notice Thrown when an initiation template names no settlement template that is there and not
    /// deprecated, or a settlement template names one.
    error SettlementWrong(TemplateVersionId settlement, TemplateKind kind, uint256 deprecatedAt);
    /// @notice Thrown when the caller never registered this version.
    error VersionUnknown(TemplateVersionId version);
    /// @notice Thrown when a version was deprecated before.
    error AlreadyDeprecated(TemplateVersionId version, uint256 deprecatedAt);

    /// @notice Registers the next version of a template of the caller.
    function register(Draft calldata draft) external returns (TemplateVersionId version);

    /// @notice Called by who registered it: the version is for no new offer, for good.
    function deprecate(bytes32 name, uint256 number) external;

    /// @notice All zero for a version that nobody registered.
    function versionOf(TemplateVersionId version) external view returns (Version memory);
    /// @notice All zero for a template that nobody registered.
    function templateOf(TemplateId template) external view returns (Template memory);
    function templateIdOf(address registrant, bytes32 name) external pure returns (TemplateId);
    function versionIdOf(TemplateId template, uint256 number) external pure returns (TemplateVersionId);
}
