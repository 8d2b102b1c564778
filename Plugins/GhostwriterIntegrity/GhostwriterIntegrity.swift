import HDK

/// A post on the owner's chain, and who wrote it.
struct Post: EntryValue {
    static let type: EntryTypeName = "post"
    var text: String
    var writer: AgentKey
}

/// The longest post, in bytes of UTF-8.
let longestPost = 20_000

let rules = IntegrityZome("ghostwriter_integrity") {
    Validate(Post.self) { post, op in
        let count = post.text.utf8.count
        guard count > 0 else { throw Invalid("a post needs a text") }
        guard count <= longestPost else {
            throw Invalid("a post has at most \(longestPost) bytes of text, and this one has \(count)")
        }
        guard op.change == .create else { throw Invalid("a post is not changed once it stands") }
    }
    ValidateDelete(Post.self) { op in
        guard op.author == op.originalAuthor else { throw Invalid("only the owner of a blog may delete a post") }
    }
}

/// What the host opens.
@c(plasmid_zome_open)
public func openModule(_ host: UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>? {
    Module(rules).export(to: host)
}
