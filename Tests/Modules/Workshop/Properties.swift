import HDK

@ZomeBuilder
func properties() -> [ZomePart] {
    // The DNA's properties that are texts: what an installation merged in, or nothing.
    Function("properties") { (host: Host) in try await host.properties(as: [String: String].self) }
}
