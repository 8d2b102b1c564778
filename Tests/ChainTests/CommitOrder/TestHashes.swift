import Integrity

/// Distinct action hashes for tests that never look at what is behind them.
func testActionHash(_ n: UInt64) -> ActionHash { ActionHash(core: n) }
