extension DiagnosticCode {
    static let nameTable: [DiagnosticCode: Explanation] = [
        .badName: Explanation(
            "The name has characters that names may not have, is empty, or is a word with a meaning of its own. Zomes, "
                + "functions and types: a letter or _, then letters, digits, _. DNAs, hApps, roles: also -, no dot.",
            example: "name: my.app", mend: "Choose another name."),
        .duplicateName: Explanation(
            "Two things of one kind bear one name, so that neither can be meant.",
            example: "two entry types named note",
            mend: "Rename or remove one."),
        .unknownEntryType: Explanation(
            "An end of a link, or a rule, names an entry type that the DNA does not have.",
            example: "link_types: [ { name: inbox, target: notes } ]   # the type is note",
            mend: "Correct the name; agent, any and external are the words that are no types."),
        .unknownZome: Explanation(
            "A type names an integrity zome that the DNA does not have.", example: "- { name: note, zome: checks }",
            mend: "Correct the name, or leave zome out: then the first integrity zome owns the type."),
        .noZome: Explanation(
            "The DNA has no zome of either kind: nobody could do anything in it.", example: "integrity: {}",
            mend: "Add one under coordinator: zomes:."),
        .badModule: Explanation(
            "A module is named by its library product alone. A path could load anything.",
            example: "module: ../evil.so",
            mend: "Write the name without folder, lib and .so."),
        .unknownModule: Explanation(
            "The built library of a module is in none of the folders that are searched: .build/debug and .build/release of "
                + "the package, the folder of plasmid itself, and those given with --modules. Without --modules this is a "
                + "note, and the module is not compared with the manifest.",
            example: "module: Notes   # and no libNotes.so", mend: "Run swift build, or name the folder with --modules."
        ),
        .badPath: Explanation(
            "The path is absolute, has empty parts or single dots, or (for sources) leads up.",
            example: "sources: ../elsewhere", mend: "Write a plain relative path."),
    ]

    static let ruleTable: [DiagnosticCode: Explanation] = [
        .badRule: Explanation(
            "The rule makes no sense for the type that it is about, or beside another rule of the same field. A rule that "
                + "could never hold, or never fail, is a mistake in a file that cannot be changed later.",
            example: "fields: { tags: { type: list, min: 3 } }",
            mend: "docs/spec/rules.md says which rules go with which type."),
        .emptyRange: Explanation(
            "The lower end lies above the upper end: no value could ever be valid.",
            example: "{ type: integer, min: 9, max: 3 }",
            mend: "Swap the two, or leave one out."),
        .rulesNeedAuthor: Explanation(
            "A rule asks who the author is, and the type may be published without one.",
            example: "update: author   # beside publishing: [unsigned]",
            mend: "Remove the rule, or publish signed only."),
    ]

    static let sourceTable: [DiagnosticCode: Explanation] = [
        .sourcesMissing: Explanation(
            "A validator's sources are not there, are no folder, or hold no Swift file. Their digest is part of the DNA hash, "
                + "so that there is no hash without them.", example: "sources: Plugins/Typo",
            mend: "Correct the path: it starts at the nearest folder with a Package.swift."),
        .sourcesTooLarge: Explanation(
            "A validator's sources are more than 2,000 files, or one of them has more than 4 MiB.",
            example: "a file of 5 MiB among the sources", mend: "Move what is no source out of the folder."),
        .symbolicLink: Explanation(
            "A path leads through a symbolic link, or sources hold one. A link may point at other bytes on another machine, "
                + "and out of the folder that was meant.",
            example: "Plugins/NotesIntegrity/Shared.swift -> ../../Shared.swift",
            mend: "Put the file or folder itself there."),
        .forbiddenImport: Explanation(
            "A validator may import HDK only. Clocks, files, chance and locale would make two nodes disagree over one entry.",
            example: "import Foundation", mend: "Use what HDK offers; write the rest out."),
        .foreignSource: Explanation(
            "A validator's folder holds C, a header, an object or a library: what it does is not judged by its Swift imports.",
            example: "Plugins/NotesIntegrity/helper.c", mend: "Write it in Swift, or move it away."),
        .badDigest: Explanation(
            "The text under digest is not the digest of sources: 53 characters that begin with uhCEk.",
            example: "digest: abc",
            mend: "Take it from plasmid dna hash --digests."),
        .digestMismatch: Explanation(
            "The sources on this disk are not those whose digest the manifest pins. With them, the DNA would be another "
                + "network than the pinned one.", example: "a comment changed in a validator",
            mend: "Take the pinned sources, or pin the new digest and accept the new network."),
    ]

    static let moduleTable: [DiagnosticCode: Explanation] = [
        .moduleUnreadable: Explanation(
            "The built library was found and cannot be used: it is no zome module, was built against another HDK, traps or "
                + "hangs while it is loaded, or needs what the sandbox forbids. An installed app would fail at its first call.",
            example: "zome.h's ABI 1 against 2",
            mend: "Build it anew with this version's HDK; the message has its last words."),
        .moduleWrongKind: Explanation(
            "Validators stand under coordinator, or functions under integrity.",
            example: "coordinator: { zomes: [ { name: notes, module: NotesIntegrity } ] }",
            mend: "Name the other module: a coordinator is a Zome, a validator an IntegrityZome."),
        .moduleNameDiffers: Explanation(
            "The module calls its zome otherwise than the manifest. The manifest's name counts; error messages of the module "
                + "will mention the other.", example: "Zome(\"note\") under name: notes",
            mend: "Write the same name in both."),
        .functionMissing: Explanation(
            "The manifest declares a function that the built module does not have. The conductor refuses such a module.",
            example: "- { name: wirte, access: author }",
            mend: "Correct the name, write the function, or build the module anew."),
        .functionUndeclared: Explanation(
            "The built module has a function that the manifest does not declare. Nobody can call it, not even the author.",
            example: "Function(\"erase\") { … } without a line in functions:",
            mend: "Declare it with its access, or remove it."),
        .callbackMissing: Explanation(
            "The manifest declares a callback that the built module does not have. The conductor refuses such a module.",
            example: "callbacks: [receive] without Receive { … }", mend: "Remove it from the list, or write it."),
        .callbackUndeclared: Explanation(
            "The built module has a callback that the manifest does not declare. It is never called.",
            example: "Receive { … } without callbacks: [receive]", mend: "Add it to callbacks:, or remove it."),
        .validatesUnknownType: Explanation(
            "The module judges a type that the manifest does not give to its zome. The rule would never be asked, and what it "
                + "forbids would be accepted.", example: "Validate(Note.self) where the entry type is named notes",
            mend: "Use one name in both, or set zome: at the type."),
        .typeUnvalidated: Explanation(
            "Neither a validator nor declarative rules judge entries of the type: every node accepts any bytes up to max_bytes "
                + "from anyone.", example: "- { name: note, visibility: public }   # and no Validate for it",
            mend: "Write rules: or a Validate, unless anything goes."),
    ]

    static let meaningTable: [DiagnosticCode: Explanation] = [
        .publicSpace: Explanation(
            "The network seed is empty. Everyone who has the DNA file and the validators' sources has the DNA hash, and with "
                + "it finds the network. That is right for a public app, and a leak for a family's diary.",
            example: "network_seed: \"\"",
            mend: "Give a seed that cannot be guessed, here or in the hApp's modifiers."),
        .floorUnmet: Explanation(
            "The DNA asks for a privacy level of messages that this version cannot give: there are no mixes yet, messages go "
                + "directly.", example: "messaging: { floor: mix }",
            mend: "Know it, or write direct. The floor is part of the DNA hash."),
        .publicFunctionWrites: Explanation(
            "The function is public, so everyone who reaches the cell may call it, and by the zome's sources it writes: to the "
                + "chain of the agent who hosts it, signed with her key. The sources are read, not run: a path that is never "
                + "taken counts, writing through another module is not seen.",
            example: "- { name: write, access: public }",
            mend: "Set access: author, or granted for those who hold a capability."),
        .publicFunctionName: Explanation(
            "The function is public and its name says that it writes. The zome's sources were not found to look whether it "
                + "does.", example: "- { name: delete_all, access: public }",
            mend: "Set access: author if it writes; else there is nothing to do."),
        .unusedType: Explanation(
            "No source of a zome has the type's name as a text, and no link type that is used leads to it. It can "
                + "be removed now; once the network runs, it is part of the DNA hash.",
            example: "- { name: draft }   # left from an earlier design", mend: "Remove it, or use it."),
        .undeclaredType: Explanation(
            "The sources of a zome give a type this name, and the DNA has no type of the name. What is written of it is "
                + "refused when it is written, with unknownEntryType or unknownLinkType. The place is in the source file.",
            example: "static let type: EntryTypeName = \"notte\"   // where dna.yaml has note",
            mend: "Write the name as the manifest has it, or add the type to the manifest, which makes another network."
        ),
    ]

    static let happTable: [DiagnosticCode: Explanation] = [
        .noRole: Explanation(
            "A hApp without a role has no cell.", example: "roles: []", mend: "Add a role that names a DNA file."),
        .duplicateDna: Explanation(
            "Two roles have one DNA hash. With one agent they would be one and the same cell.",
            example: "two roles with one path and no network_seed",
            mend: "Give one of them a network_seed of its own, or clone."),
        .dnaMissing: Explanation(
            "The DNA file of a role is not there. The path starts at the hApp file's folder.",
            example: "dna: { path: dna/typo.yaml }",
            mend: "Correct the path."),
        .badHash: Explanation(
            "The text is not a DNA hash: 53 characters that begin with uhC0k.", example: "installed_hash: abc",
            mend: "Take it from plasmid dna hash."),
        .installedHashMismatch: Explanation(
            "The role's DNA, after its modifiers, has another hash than the one pinned: the integrity part, a validator's "
                + "sources or a modifier changed.", example: "a changed validator under installed_hash",
            mend: "Take the pinned state, or pin the new hash and accept the new network."),
        .unknownRole: Explanation(
            "An end of a bridge names a role that the hApp does not have.",
            example: "bridges: [ { caller: home, callee: hoem, handle: store } ]", mend: "Correct the name."),
        .bridgeCycle: Explanation(
            "Bridges lead from a role back to itself: a call over them could go round without end.",
            example: "home to work, and work to home",
            mend: "Leave one direction out; answer with a signal or a message."),
        .unreachableRole: Explanation(
            "The role's zomes declare neither a function nor receive: nobody can ever do anything in it.",
            example: "a DNA with validators only", mend: "Declare functions, or remove the role."),
        .proofUnasked: Explanation(
            "allow_deferred_memproofs lets cells wait for a membrane proof, and no validator of the hApp has a genesis "
                + "self-check: cells would wait for something that nobody looks at.",
            example: "allow_deferred_memproofs: true", mend: "Remove it, or write a GenesisSelfCheck."),
    ]
}
