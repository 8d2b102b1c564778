import Chain
import Integrity
import Storage

/// The operations that read links.
extension Cell {
    func getLinks(_ request: HostRequest) throws(PlasmidError) {
        let wanted = try request.decode(GetLinksRequest.self)
        try answer(request, about: wanted.base, local: wanted.local) { [self] () throws(PlasmidError) in
            ReadAnswer(bytes: try linkPage(request, wanted).page.packed, isMissing: false)
        }
    }

    func getLinksDetails(_ request: HostRequest) throws(PlasmidError) {
        let wanted = try request.decode(GetLinksRequest.self)
        try answer(request, about: wanted.base, local: wanted.local) { [self] () throws(PlasmidError) in
            let (view, page) = try linkPage(request, wanted, maximum: Limits.linkDetailsPageMaximum)
            let details = try view.cascade.details(of: page.links)
            return ReadAnswer(bytes: LinkDetailsPage(links: details, next: page.next).packed, isMissing: false)
        }
    }

    func countLinks(_ request: HostRequest) throws(PlasmidError) {
        let wanted = try request.decode(GetLinksRequest.self)
        try answer(request, about: wanted.base, local: wanted.local) { [self] () throws(PlasmidError) in
            fixedHead(request.call)
            let count = try request.view().cascade.countLinks(try space.linkFilter(wanted))
            return ReadAnswer(bytes: UInt64(count).packed, isMissing: false)
        }
    }

    private func linkPage(
        _ request: HostRequest, _ wanted: GetLinksRequest, maximum: Int = Limits.linkPageMaximum
    ) throws(PlasmidError) -> (view: CallView, page: Integrity.LinkPage) {
        let filter = try space.linkFilter(wanted)
        fixedHead(request.call)
        let view = try request.view()
        let limit = min(max(Int(wanted.limit ?? UInt32(Limits.linkPageDefault)), 1), maximum)
        return (view, try view.links(filter, order: wanted.order, cursor: wanted.cursor, limit: limit))
    }
}

extension SpaceContext {
    /// What a request asks for, its names resolved.
    func linkFilter(_ wanted: GetLinksRequest) throws(PlasmidError) -> LinkFilter {
        var types: Set<LinkFilter.LinkType>?
        if let names = wanted.types {
            try Self.checkCount(names.count, "link types")
            types = Set(
                try names.map { name throws(PlasmidError) in
                    let type = try linkType(name)
                    return LinkFilter.LinkType(zomeIndex: type.zomeIndex, linkType: type.linkType)
                })
        }
        return LinkFilter(
            base: wanted.base, types: types, tagPrefix: wanted.tagPrefix ?? [], tag: wanted.tag, author: wanted.author,
            after: wanted.after, before: wanted.before, status: wanted.status)
    }

    /// A question that names more than any DNA has is refused before it is gone through.
    static func checkCount(_ count: Int, _ what: String, maximum: Int = Limits.namesPerQuestion) throws(PlasmidError) {
        guard count <= maximum else {
            throw PlasmidError(.badInput, "\(count) \(what) were named at once", hint: "at most \(maximum)")
        }
    }
}
