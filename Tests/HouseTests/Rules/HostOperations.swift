/// Every host operation has a row in docs/hdk.md and a method in the HDK that asks for it, and the page names no other.
enum HostOperations {
    static let list = "Sources/Integrity/HostCalls/HostOperation.swift"
    static let document = "docs/hdk.md"
    static let specification = "docs/spec/zome-abi.md"

    /// The host functions of Holochain: its imports, and what its HDK computes by itself.
    static let holochain = """
        agent_info call_info dna_info zome_info create update delete create_link delete_link close_chain
        open_chain get get_details get_links get_links_details count_links get_agent_activity query
        get_validation_receipts must_get_entry must_get_action must_get_valid_record must_get_agent_activity
        call send_remote_signal emit_signal schedule random_bytes sys_time sign sign_ephemeral verify_signature
        create_x25519_keypair x_salsa20_poly1305_shared_secret_create_random
        x_salsa20_poly1305_shared_secret_export x_salsa20_poly1305_shared_secret_ingest
        x_salsa20_poly1305_encrypt x_salsa20_poly1305_decrypt x_25519_x_salsa20_poly1305_encrypt
        x_25519_x_salsa20_poly1305_decrypt ed_25519_x_salsa20_poly1305_encrypt
        ed_25519_x_salsa20_poly1305_decrypt create_clone_cell enable_clone_cell disable_clone_cell
        delete_clone_cell get_init_properties block_agent unblock_agent trace capability_claims
        capability_grants capability_info hash_entry hash_action generate_cap_secret
        """.split(whereSeparator: \.isWhitespace)

    /// The host functions of its version of 2019.
    static let holochain2019 = """
        commit_entry commit_entry_result update_entry remove_entry get_entry get_entry_initial
        get_entry_history get_entry_result link_entries remove_link link_entries_bidir commit_and_link
        get_links get_links_with_options get_links_count get_links_count_with_options get_links_result get_links_and_load
        get_links_and_load_type get_as_type entry_address query query_result sign sign_one_time
        verify_signature encrypt decrypt keystore_list keystore_new_random keystore_derive_seed
        keystore_derive_key keystore_sign keystore_get_public_key commit_capability_grant
        commit_capability_claim send emit_signal call property entry_type_properties sleep debug version
        version_hash start_bundle close_bundle update_agent
        """.split(whereSeparator: \.isWhitespace)

    /// The operations of the list, each with its number: `case name = number` after `enum HostOperation`.
    static func declared(in file: RepositoryFile) -> [(name: String, number: String)] {
        let lines = file.uncommentedLines.drop { !$0.contains("enum HostOperation") }
        return lines.compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 4, words[0] == "case", words[2] == "=" else { return nil }
            return (String(words[1]), String(words[3]))
        }
    }

    /// The names in the first cells of the table under a heading.
    static func rows(_ file: RepositoryFile, under heading: Substring) -> [String] {
        file.lines.drop { !$0.hasPrefix(heading) }.dropFirst().prefix { !$0.hasPrefix("## ") }.compactMap { line in
            guard line.hasPrefix("| `"), let cell = line.split(separator: "|").first else { return nil }
            return String(cell.trimmed.filter { $0 != "`" })
        }
    }

    static func check(
        list: RepositoryFile, document: RepositoryFile, specification: RepositoryFile, hdk: [RepositoryFile]
    ) -> [Finding] {
        var findings: [Finding] = []
        let operations = declared(in: list)
        let rows = rows(document, under: "## 1.")
        for (name, number) in operations {
            func find(_ message: String, in path: String) {
                findings.append(Finding(path: path, line: 1, message: message))
            }
            if !rows.contains(name) { find("the host operation `\(name)` has no row", in: document.path) }
            if !specification.lines.contains(where: { $0.hasPrefix("| \(number) | \(name) |") }) {
                find("the host operation \(number) `\(name)` has no row", in: specification.path)
            }
            let isAsked = hdk.contains { file in
                file.uncommentedLines.contains { BannedText.contains($0, ".\(name)") }
            }
            if !isAsked { find("no method of the HDK asks for `\(name)`", in: list.path) }
        }
        for (heading, functions) in [("## 2." as Substring, holochain), ("## 3.", holochain2019)] {
            let rows = Set(Self.rows(document, under: heading))
            for function in functions where !rows.contains(String(function)) {
                findings.append(
                    Finding(path: document.path, line: 1, message: "the host function `\(function)` has no row"))
            }
        }
        let names = Set(operations.map(\.name))
        for row in rows where !names.contains(row) {
            findings.append(
                Finding(path: document.path, line: 1, message: "there is no host operation `\(row)`"))
        }
        return findings
    }
}
