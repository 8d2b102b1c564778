import HDK

/// A validator for the digest tests: never compiled.
let notes = 1
