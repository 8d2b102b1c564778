// The known error codes. docs/errors.md explains each; a code never changes its meaning, and none is used twice.

extension PlasmidError.Code {
    // MARK: Bytes and text

    /// Bytes that are not the MessagePack shape that was expected.
    public static let malformedMessagePack = Self(rawValue: "malformedMessagePack")
    /// Text that is not the JSON that was expected.
    public static let malformedJSON = Self(rawValue: "malformedJSON")
    /// Bytes or text that are not a HoloHash of the wanted kind.
    public static let malformedHash = Self(rawValue: "malformedHash")
    /// A value that the target format cannot hold (NaN in JSON, an extension type, a key that is no text).
    public static let notRepresentable = Self(rawValue: "notRepresentable")
    /// Arrays and maps nested deeper than ``Limits/messagePackDepth``.
    public static let tooDeep = Self(rawValue: "tooDeep")
    /// Bytes beyond a size limit that has no code of its own.
    public static let tooLarge = Self(rawValue: "tooLarge")

    // MARK: Chain and commits

    /// An entry beyond ``Limits/entryBytes`` or its type's `max_bytes`.
    public static let entryTooLarge = Self(rawValue: "entryTooLarge")
    /// A link tag beyond ``Limits/linkTagBytes``.
    public static let linkTagTooLarge = Self(rawValue: "linkTagTooLarge")
    /// Another call committed first, and this one could not be run again.
    public static let headMoved = Self(rawValue: "headMoved")
    /// A write that this node's own validation rejects; nothing was written.
    public static let validationFailed = Self(rawValue: "validationFailed")
    /// Validation waits for data that this node does not hold yet.
    public static let missingDependency = Self(rawValue: "missingDependency")
    /// An entry type name that the DNA does not define.
    public static let unknownEntryType = Self(rawValue: "unknownEntryType")
    /// A link type name that the DNA does not define.
    public static let unknownLinkType = Self(rawValue: "unknownLinkType")
    /// An address that is not held here.
    public static let notFound = Self(rawValue: "notFound")
    /// The source chain was closed and takes no more actions.
    public static let chainClosed = Self(rawValue: "chainClosed")
    /// A cell that may not write now, for instance after a restore.
    public static let readOnly = Self(rawValue: "readOnly")
    /// Two different actions claim the same place in a chain.
    public static let chainForked = Self(rawValue: "chainForked")
    /// An act that only the author may do.
    public static let notAuthor = Self(rawValue: "notAuthor")
    /// More actions in one call than ``Limits/actionsPerCall``.
    public static let tooManyWrites = Self(rawValue: "tooManyWrites")

    // MARK: Validation

    /// Two fresh runs of a validator disagreed.
    public static let validatorNotDeterministic = Self(rawValue: "validatorNotDeterministic")
    /// A validator that trapped or ran out of time or memory twice.
    public static let unvalidatable = Self(rawValue: "unvalidatable")
    /// A signature that does not verify.
    public static let badSignature = Self(rawValue: "badSignature")

    // MARK: Zome modules

    /// The module's process ended while it served a call.
    public static let moduleTrapped = Self(rawValue: "moduleTrapped")
    /// A call that took longer than its deadline.
    public static let moduleTimedOut = Self(rawValue: "moduleTimedOut")
    /// The module's process reached its memory limit.
    public static let moduleOutOfMemory = Self(rawValue: "moduleOutOfMemory")
    /// An answer of a module that cannot be read.
    public static let moduleGarbage = Self(rawValue: "moduleGarbage")
    /// A module that cannot be loaded: missing, wrong ABI, wrong name or functions.
    public static let moduleRefused = Self(rawValue: "moduleRefused")
    /// The kernel lacks what `sandbox: required` asks for.
    public static let sandboxUnavailable = Self(rawValue: "sandboxUnavailable")
    /// A host operation that this kind of callback may not use.
    public static let operationNotAllowed = Self(rawValue: "operationNotAllowed")
    /// A host operation number that this conductor does not know.
    public static let unknownOperation = Self(rawValue: "unknownOperation")
    /// Input to a function that does not have the shape it declares.
    public static let badInput = Self(rawValue: "badInput")
    /// A result of a function that cannot be encoded.
    public static let badResult = Self(rawValue: "badResult")
    /// An app error without a code of its own.
    public static let `internal` = Self(rawValue: "internal")
    /// A call that was given up before it ended.
    public static let cancelled = Self(rawValue: "cancelled")

    // MARK: Calls and capabilities

    /// An instance id that this conductor does not run.
    public static let unknownInstance = Self(rawValue: "unknownInstance")
    /// A zome name that the DNA does not have.
    public static let unknownZome = Self(rawValue: "unknownZome")
    /// A function name that the zome does not have.
    public static let unknownFunction = Self(rawValue: "unknownFunction")
    /// A caller without a capability for the function.
    public static let capabilityDenied = Self(rawValue: "capabilityDenied")
    /// A capability secret that opens nothing here.
    public static let badCapability = Self(rawValue: "badCapability")
    /// A call or connection whose proof of identity does not verify.
    public static let authenticationFailed = Self(rawValue: "authenticationFailed")
    /// A signed call that was seen before.
    public static let nonceReplayed = Self(rawValue: "nonceReplayed")
    /// A signed call past its expiry, or with one too far ahead.
    public static let callExpired = Self(rawValue: "callExpired")
    /// A connection without a valid token.
    public static let unauthorized = Self(rawValue: "unauthorized")
    /// An answer that did not come in time.
    public static let timeout = Self(rawValue: "timeout")
    /// An agent that cannot be reached now.
    public static let peerUnreachable = Self(rawValue: "peerUnreachable")
    /// A zome without a receive callback.
    public static let noReceiver = Self(rawValue: "noReceiver")
    /// Too much in flight; try again later.
    public static let overloaded = Self(rawValue: "overloaded")

    // MARK: Keys

    /// A key that the keystore does not hold.
    public static let keyNotFound = Self(rawValue: "keyNotFound")
    /// A passphrase that does not open the keystore.
    public static let wrongPassphrase = Self(rawValue: "wrongPassphrase")
    /// A keystore file that is already there.
    public static let keystoreExists = Self(rawValue: "keystoreExists")
    /// A keystore that another process holds, or that was not opened yet.
    public static let keystoreLocked = Self(rawValue: "keystoreLocked")

    // MARK: Storage

    /// A write for which there was no room; nothing was lost.
    public static let diskFull = Self(rawValue: "diskFull")
    /// Stored data that fails its checks.
    public static let storageCorrupt = Self(rawValue: "storageCorrupt")
    /// Stored data of another schema version.
    public static let storageVersion = Self(rawValue: "storageVersion")
    /// A data folder that another process holds.
    public static let storageInUse = Self(rawValue: "storageInUse")
    /// An operation of the file system or of LMDB that failed.
    public static let storageFailed = Self(rawValue: "storageFailed")

    // MARK: Manifests and apps

    /// A manifest with faults; each is reported by itself.
    public static let manifestInvalid = Self(rawValue: "manifestInvalid")
    /// A manifest file that cannot be read.
    public static let manifestUnreadable = Self(rawValue: "manifestUnreadable")
    /// An app id that is already installed.
    public static let appExists = Self(rawValue: "appExists")
    /// An app id that is not installed.
    public static let unknownApp = Self(rawValue: "unknownApp")
    /// An app that is installed but not enabled.
    public static let appDisabled = Self(rawValue: "appDisabled")
    /// A DNA whose hash is not the one that was asked for.
    public static let dnaMismatch = Self(rawValue: "dnaMismatch")

    // MARK: Service

    /// A configuration with faults.
    public static let configInvalid = Self(rawValue: "configInvalid")
    /// A port that another program holds.
    public static let addressInUse = Self(rawValue: "addressInUse")
    /// A conductor that could not start.
    public static let startFailed = Self(rawValue: "startFailed")
    /// A command line that does not say what to do.
    public static let usage = Self(rawValue: "usage")
    /// Something this version does not do.
    public static let notSupported = Self(rawValue: "notSupported")
    /// A privacy level that cannot be given now.
    public static let levelUnavailable = Self(rawValue: "levelUnavailable")

    /// Every known code, for documentation and tests.
    public static let known: [PlasmidError.Code] = [
        .malformedMessagePack, .malformedJSON, .malformedHash, .notRepresentable, .tooDeep, .tooLarge,
        .entryTooLarge, .linkTagTooLarge, .headMoved, .validationFailed, .missingDependency,
        .unknownEntryType, .unknownLinkType, .notFound, .chainClosed, .readOnly, .chainForked, .notAuthor,
        .tooManyWrites, .validatorNotDeterministic, .unvalidatable, .badSignature, .moduleTrapped,
        .moduleTimedOut, .moduleOutOfMemory, .moduleGarbage, .moduleRefused, .sandboxUnavailable,
        .operationNotAllowed, .unknownOperation, .badInput, .badResult, .internal, .cancelled,
        .unknownInstance, .unknownZome, .unknownFunction, .capabilityDenied, .badCapability,
        .authenticationFailed, .nonceReplayed, .callExpired, .unauthorized, .timeout, .peerUnreachable,
        .noReceiver, .overloaded, .keyNotFound, .wrongPassphrase, .keystoreExists,
        .keystoreLocked, .diskFull, .storageCorrupt, .storageVersion, .storageInUse, .storageFailed,
        .manifestInvalid, .manifestUnreadable, .appExists, .unknownApp, .appDisabled, .dnaMismatch,
        .configInvalid, .addressInUse, .startFailed, .usage, .notSupported, .levelUnavailable,
    ]
}
