import Chain
import Integrity
import Keystore
import Logging
import Manifests
import NIOCore
import Storage
import ZomeRuntime

// `@unchecked Sendable`: every stored property is touched on `loop` only, which each public entry asserts. It is marked
// so that closures that hop back to the loop may name it.
/// Joins the cores: installed apps, spaces, cells and the calls that run in them.
///
/// One event loop carries all of it: connections, calls, children's sockets, signing and reads. Nothing here locks and
/// nothing waits; the journal, the environments' writers, the blocking work of installations and modules loaded in this
/// process have threads of their own.
public final class Conductor: @unchecked Sendable {
    /// The loop that everything below is confined to.
    public let loop: any EventLoop
    /// What it was started with.
    public private(set) var options: ConductorOptions
    let keystore: Keystore
    let database: Database
    let store: ConductorStore
    let logger: Logger
    let signals = SignalHub()
    /// Who hears of tokens that open nothing any more.
    var tokenEndListener: ((TokenEnd) -> Void)?
    /// Where other conductors reach this one, as multiaddrs with the ports that were taken; empty before it listens, and
    /// where it is alone.
    public internal(set) var networkAddresses: [String] = []
    /// Names this run: signals of each instance are numbered within it.
    public let bootID: String
    var apps: [String: InstalledApp] = [:]
    var spaces: [DnaHash: SpaceContext] = [:]
    var cells: [String: Cell] = [:]
    var cellOfID: [CellID: Cell] = [:]
    /// Cells that could not be started, and why: `info` shows them, calls answer with the error.
    var faults: [String: PlasmidError] = [:]
    var bridges = BridgeGraph()
    var schedules = ScheduleBook()
    var scheduleTimer: Scheduled<Void>?
    /// The bad ends of each app's modules of late.
    var failures: [String: FailureWindow] = [:]
    /// Installations under way.
    var installing = 0
    var usedNonces = NonceWindow()
    var tokens: [[UInt8]: AppToken] = [:]
    /// What the methods of 2019 made.
    var register = Register()
    weak var interfaceHost: (any InterfaceHost)?
    /// The way to other conductors; nil for one that works alone.
    var network: NetworkDesk?
    var networkListener: (() -> Void)?
    let heldWaits = HeldWaits()
    private var settlesNetwork = false
    /// What was counted of each instance since the start, cells stopped and started or not.
    var meters: [String: CellMeter] = [:]
    /// Chains that were restored and may not be written to.
    var readOnly: [CellID: ReadOnlyMark] = [:]
    /// How far the backup under way has come.
    var backupProgress: BackupProgress?
    /// Calls that no cell took, by error code.
    var refusals: [String: UInt64] = [:]
    /// Apps and agents whose rows are being changed.
    private var changing: Set<String> = []
    /// Stopped runners whose processes have not ended yet.
    private var leaving: [ObjectIdentifier: any ZomeRunner] = [:]
    private var whenAllGone: [() -> Void] = []
    private var lastCall: UInt64 = 0
    private var lastModuleCall: UInt64 = 0
    private let started = NIODeadline.now()

    /// A conductor over an opened keystore and database. `load` then starts the installed apps.
    /// - Throws: `storageClosed` if the database was closed.
    public init(
        loop: any EventLoop, options: ConductorOptions, keystore: Keystore, database: Database, logger: Logger
    ) throws(PlasmidError) {
        self.loop = loop
        self.options = options
        bootID = options.randomBytes(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        self.keystore = keystore
        self.database = database
        store = try database.conductor
        self.logger = logger
        // Left by an installation that a kill ended; nobody else is in the folder now.
        UnpackedBundle.removeAll(in: options.dataFolder)
    }

    /// Microseconds since the conductor was made; never runs backwards.
    var monotonicMicroseconds: UInt64 {
        UInt64(max(0, (NIODeadline.now() - started).nanoseconds / 1_000))
    }

    /// Lets one change of an app, or one installation for an agent, run at a time: of two that overlap the later would undo
    /// the earlier, or begin a second cell on the same chain.
    /// - Returns: `reply`, which also lets the next one begin.
    /// - Throws: `overloaded` while another is under way.
    func exclusively<Value>(
        _ name: String, _ reply: @escaping (Result<Value, PlasmidError>) -> Void
    ) throws(PlasmidError) -> (Result<Value, PlasmidError>) -> Void {
        try exclusively([name], reply)
    }

    /// The same for several at once: all of them or none.
    func exclusively<Value>(
        _ names: [String], _ reply: @escaping (Result<Value, PlasmidError>) -> Void
    ) throws(PlasmidError) -> (Result<Value, PlasmidError>) -> Void {
        if let taken = names.first(where: { changing.contains($0) }) {
            throw PlasmidError(
                .overloaded, "another change of `\(taken)` is under way", hint: "try again when it has been answered")
        }
        changing.formUnion(names)
        return { [self] result in
            changing.subtract(names)
            reply(result)
        }
    }

    /// The time by which peers are waited for.
    var networkNow: Timestamp { options.networkClock?() ?? options.clock() }

    /// Has the network follow which cells run, after whatever is going on now.
    func settleNetwork() {
        guard network != nil, !settlesNetwork else { return }
        settlesNetwork = true
        loop.assumeIsolated().execute { [self] in
            settlesNetwork = false
            network?.settle()
        }
    }

    func nextCall() -> UInt64 {
        lastCall += 1
        return lastCall
    }

    func nextModuleCall() -> UInt64 {
        lastModuleCall += 1
        return lastModuleCall
    }

    /// Runs `work` on the loop after a while, unless what is returned is cancelled before.
    @discardableResult
    func after(microseconds: Int64, _ work: @escaping () -> Void) -> Scheduled<Void> {
        let bound = NIOLoopBound(work, eventLoop: loop)
        return loop.scheduleTask(in: .microseconds(max(0, microseconds))) { bound.value() }
    }

    /// The cell of `app/role`, running and able to take calls.
    /// - Throws: `unknownInstance`, `cellNotActive`, or the fault that kept the cell from starting.
    func cell(_ instanceID: String) throws(PlasmidError) -> Cell {
        if let cell = cells[instanceID] {
            guard cell.isActive else { throw faults[instanceID] ?? notActive(instanceID) }
            return cell
        }
        if let fault = faults[instanceID] { throw fault }
        for app in apps.values where app.roles.contains(where: { app.instanceID($0) == instanceID }) {
            throw notActive(instanceID)
        }
        throw PlasmidError(
            .unknownInstance, "unknown instance `\(instanceID)`",
            hint: "an instance is named app/role; `plasmid admin apps` and `info/instances` list them")
    }

    private func notActive(_ instanceID: String) -> PlasmidError {
        let app = apps.values.first { app in app.roles.contains { app.instanceID($0) == instanceID } }
        if let app, app.awaitsProofs { return Self.awaitsProofs(app.appID) }
        if let app, let reason = app.disabledBecause {
            return PlasmidError(
                .cellNotActive,
                "instance `\(instanceID)` is not active: the conductor disabled its app, because \(reason)",
                hint: "mend the module, then `plasmid admin enable \(app.appID)`")
        }
        return PlasmidError(
            .cellNotActive, "instance `\(instanceID)` is not active\(app.map { whyNot(instanceID, $0) } ?? " yet")",
            hint: app.flatMap { wayBack(instanceID, $0) })
    }

    /// What somebody has disabled is told to be so; anything else is "not active yet", as in 2019.
    private func whyNot(_ instanceID: String, _ app: InstalledApp) -> String {
        guard app.isEnabled else { return ": its app is disabled" }
        let role = app.roles.first { app.instanceID($0) == instanceID }
        return role?.isDisabled == true ? ": the clone is disabled" : " yet"
    }

    /// What lets an instance take calls again.
    private func wayBack(_ instanceID: String, _ app: InstalledApp) -> String? {
        guard app.isEnabled else { return "enable its app: plasmid admin enable \(app.appID)" }
        guard let role = app.roles.first(where: { app.instanceID($0) == instanceID }) else { return nil }
        if role.isDisabled { return "enable the clone: plasmid admin clone enable \(app.appID) \(role.name)" }
        return role.isStopped ? "start it (`admin/instance/start`)" : nil
    }

    /// How long calls that begin from now on may run.
    public func setCallTimeout(_ timeout: TimeAmount) {
        loop.assertInEventLoop()
        options.limits.callTimeout = timeout
    }

    /// How often the modules of an app may end badly from now on; what ended before counts as well.
    public func setFailureBound(_ bound: FailureBound) {
        loop.assertInEventLoop()
        options.failureBound = bound
    }

    /// Leaves the network and stops every module; what was acknowledged is on disk already.
    /// - Parameters:
    ///   - abruptly: without telling peers, as a kill would.
    ///   - done: called on the loop when connections are closed and the modules' processes have ended.
    public func shutDown(abruptly: Bool = false, _ done: @escaping () -> Void = {}) {
        loop.assertInEventLoop()
        if let network {
            self.network = nil
            return network.close(saysGoodbye: !abruptly) { [self] in shutDown(done) }
        }
        for cell in cells.values { cell.retireRunners() }
        for space in spaces.values {
            space.endIncoming()
            retire(space.validators)
        }
        whenAllGone.append(done)
        tellAllGone()
    }

    /// Stops a runner and keeps it until its process has ended.
    func retire(_ runner: (any ZomeRunner)?) {
        guard let runner else { return }
        let id = ObjectIdentifier(runner)
        leaving[id] = runner
        runner.stop()
        // Holds the conductor until then: one that is dropped while a process ends would never say that it has shut down.
        runner.whenGone { [self] in
            leaving[id] = nil
            tellAllGone()
        }
    }

    private func tellAllGone() {
        guard leaving.isEmpty else { return }
        let waiting = whenAllGone
        whenAllGone = []
        for done in waiting { done() }
    }
}
