import CZome

/// The ABI that this module speaks.
let zomeABI = ZOME_ABI

/// The version of this HDK, as a module describes itself.
let hdkVersion = "1.0"
