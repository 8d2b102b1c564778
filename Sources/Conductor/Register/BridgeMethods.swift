import Integrity

/// `admin/bridge/*`: the bridges that hApp files declare, and more.
extension Conductor {
    func addBridge(_ params: AdminParams, _ reply: @escaping AdminReply) throws(PlasmidError) {
        let bridge = Bridge(
            caller: try params.text("caller_id"), callee: try params.text("callee_id"),
            handle: try params.text("handle"))
        inTurn(reply) { [self] done in
            try addBridge(bridge) { done($0.map { .success }) }
        }
    }

    func removeBridge(_ params: AdminParams, _ reply: @escaping AdminReply) throws(PlasmidError) {
        let (caller, callee) = (try params.text("caller_id"), try params.text("callee_id"))
        inTurn(reply) { [self] done in
            try removeBridge(caller: caller, callee: callee) { done($0.map { .success }) }
        }
    }

    func bridgeList() -> MessagePackValue {
        .array(
            allBridges.map {
                .object([
                    "caller_id": .string($0.caller), "callee_id": .string($0.callee), "handle": .string($0.handle),
                ])
            })
    }
}
