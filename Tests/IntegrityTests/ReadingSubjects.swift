import Integrity

/// The decoders of what zomes read: details, versions, links, chains, secrets.
let readingSubjects: [Subject] = [
    Subject("GetLinksRequest by time") { random in
        GetLinksRequest(
            base: random.linkable(), types: ["a"], tag: random.chance(2) ? nil : [1, 2],
            before: Timestamp(microseconds: 5),
            status: random.chance(2) ? .all : .deleted, order: random.chance(2) ? .newestFirst : .oldestFirst)
    },
    Subject("LinkDetailsPage") { random in
        LinkDetailsPage(links: [LinkDetails(create: random.signed(), deletes: [random.signed()])], next: [1])
    },
    Subject("CreateLinksRequest") { random in
        CreateLinksRequest(links: [
            CreateLinkRequest(base: random.linkable(), target: random.linkable(), type: "a", tag: [1])
        ])
    },
    Subject("Details") { random in
        random.chance(2)
            ? .record(
                RecordDetails(
                    record: random.record(), validationStatus: .rejected, deletes: [random.signed()], updates: []))
            : Details.entry(
                EntryDetails(
                    entry: random.entry(), actions: [random.signed()], rejectedActions: [random.signed()],
                    status: .dead))
    },
    Subject("EntryHistory") { random in
        EntryHistory(
            items: [EntryVersion(record: random.record(), status: .modified)],
            links: [VersionLink(from: random.hash(), to: random.hash())])
    },
    Subject("VersionRequest") { random in
        VersionRequest(hash: random.dht(), author: random.chance(2) ? nil : random.hash())
    },
    Subject("ChainQuery by name") { random in
        ChainQuery(
            hashRange: HashRange(first: random.hash(), last: random.hash()),
            until: HashTerminated(last: random.hash(), preceding: 7), names: ["a*", random.text()], descending: true,
            start: 3, limit: 4)
    },
    Subject("AgentActivity") { random in
        let place = ActivityPlace(seq: 9, hash: random.hash())
        let forked = ChainStatus.forked(seq: 4, first: random.hash(), second: random.hash())
        return AgentActivity(
            valid: [place], rejected: [place],
            status: random.chance(3) ? .empty : random.chance(2) ? forked : .closed(place),
            highestObserved: HighestObserved(seq: 9, hashes: [place.hash]))
    },
    Subject("AgentActivityRequest") {
        AgentActivityRequest(agent: $0.hash(), query: ChainQuery(limit: 1), full: false)
    },
    Subject("MustGetAgentActivityRequest") { random in
        let limits = [ActivityLimit.toGenesis, .take(3), .untilTimestamp(Timestamp(microseconds: -9))]
        return MustGetAgentActivityRequest(
            author: random.hash(),
            filter: ActivityFilter(
                top: random.hash(), limit: limits.randomElement(using: &random) ?? .untilHash(random.hash()),
                includeEntries: true))
    },
    Subject("MustGetAgentActivityAnswer") { random in
        MustGetAgentActivityAnswer(
            activity: [ActivityItem(action: random.signed(), entry: random.entry())], missing: random.hash())
    },
    Subject("SignOneTimeRequest") { SignOneTimeRequest(data: [$0.bytes(0...9), []]) },
    Subject("OneTimeSignatures") { OneTimeSignatures(key: $0.hash(), signatures: [Signature($0.bytes64())]) },
    Subject("SecretRequest") { SecretRequest(key: $0.bytes(0...32), data: $0.bytes(0...9)) },
    Subject("EncryptRequest") { EncryptRequest(to: $0.hash(), data: $0.bytes(0...9)) },
    Subject("OpenChainRequest") { OpenChainRequest(from: .agent($0.hash()), closeHash: $0.hash()) },
]
