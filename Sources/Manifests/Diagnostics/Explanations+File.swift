extension DiagnosticCode {
    static let fileTable: [DiagnosticCode: Explanation] = [
        .fileMissing: Explanation(
            "There is no file at the path. Paths of the command line start at the current folder, `path` of a role at the "
                + "hApp file's folder.",
            example: "plasmid dna check dna/mesenger.yaml",
            mend: "Correct the path; the hint names a file of nearly that name."),
        .fileUnreadable: Explanation(
            "The file is there, but this user may not read it, or the disk refuses.",
            example: "-rw------- 1 root root 812 dna.yaml   (read by another user)",
            mend: "Change its owner or mode, for example with chmod +r."),
        .notAFile: Explanation(
            "What stands at the path is a folder, a device or a pipe. Only the command line takes folders; a role's `path` "
                + "does not.", example: "dna: { path: ../messenger }", mend: "Name the file: ../messenger/dna.yaml."),
        .wrongKind: Explanation(
            "The file is a manifest of another kind: a DNA file says what a network agrees on (integrity, coordinator), a "
                + "hApp file what an app consists of (roles), a configuration how a conductor runs.",
            example: "plasmid dna check happ.yaml", mend: "Use the command that the hint names."),
        .fileTooLarge: Explanation(
            "No manifest needs more than 256 KiB, and a reader without a limit is an invitation.",
            example: "a file of 300 KiB", mend: "Move data out of `properties`, into entries or files of the app."),
        .notUTF8: Explanation(
            "The bytes are not UTF-8 text. Other encodings are not guessed at.",
            example: "a file saved as Latin-1 or UTF-16",
            mend: "Save the file as UTF-8; `iconv -f latin1 -t utf8` converts."),
        .badBundle: Explanation(
            "The file begins as a bundle does (as gzip), and is none that can be trusted: it was cut or altered, has a file "
                + "whose path leads out of it, or what is in it has other digests than it says.",
            example: "plasmid happ check notes.happ   (a download that broke off)",
            mend: "Fetch it again, or have it packed again with plasmid happ pack or plasmid dna pack."),
        .byteOrderMark: Explanation(
            "The file begins with the bytes EF BB BF. They are passed over here, but other programs take them for a part "
                + "of the first key.", example: "a file saved as \"UTF-8 with BOM\"",
            mend: "Save it as UTF-8 without a mark."),
    ]

    static let yamlTable: [DiagnosticCode: Explanation] = [
        .yamlSyntax: Explanation(
            "The text is not YAML. Most often a bracket, quote or colon is missing, a tab indents a line, or a second "
                + "document begins (---).", example: "functions: [ { name: a }",
            mend: "Look at the place and at the line before it. Indent with spaces."),
        .yamlAlias: Explanation(
            "Anchors (&), aliases (*) and merge keys (<<) are not read: with them, small files expand without end.",
            example: "properties: *shared", mend: "Write the value out where it is used."),
        .yamlTag: Explanation(
            "Explicit tags are not read: what a value is follows from the key it stands under.",
            example: "max_bytes: !!int 5",
            mend: "Remove the tag."),
        .tooDeep: Explanation(
            "Maps and lists nest deeper than 24 levels.", example: "properties: { a: { b: { c: … } } }",
            mend: "Flatten the value."),
        .duplicateKey: Explanation(
            "One key stands twice in a map. Which of the two counts differs from reader to reader, so none does.",
            example: "name: notes\nname: diary", mend: "Keep one of the two."),
        .keyNotText: Explanation(
            "A list or a map stands where a key belongs.", example: "? [a, b]\n: c", mend: "Write the key as a word."),
    ]

    static let shapeTable: [DiagnosticCode: Explanation] = [
        .unknownKey: Explanation(
            "There is no such key here. Keys that are not known are refused: a misspelt one would silently leave its "
                + "default in force.", example: "visibilty: public",
            mend: "Correct or remove it; the hint has the nearest key."),
        .missingKey: Explanation(
            "A key that must be there is not, or has no value.", example: "- { name: notes }   # a zome without module",
            mend: "Add the key."),
        .wrongType: Explanation(
            "The value is of another type than the key takes. Without quotes, 7, true and null are no texts.",
            example: "name: 7", mend: "Write name: \"7\", or a value of the type that the message names."),
        .unknownWord: Explanation(
            "The value is none of the words that the key takes.", example: "access: everyone",
            mend: "Use one of the words in the hint."),
        .outOfRange: Explanation(
            "The number lies outside the range of the key, or fits no 64 bits.", example: "required_validations: 1000",
            mend: "Use a number of the range that the message names."),
        .tooLong: Explanation(
            "The text or list is longer than its limit.", example: "a name of 200 letters", mend: "Shorten it."),
        .unsupportedVersion: Explanation(
            "The manifest names a version that this program does not read. Holochain's own manifests have \"0\" and another "
                + "shape.", example: "manifest_version: \"2\"",
            mend: "Write manifest_version: \"1\", or use the program that the file was written for."),
        .publishingUnsupported: Explanation(
            "Only signed publishing is there yet; unsigned and throwaway come in a later version.",
            example: "publishing: [unsigned]", mend: "Remove publishing, or write [signed]."),
    ]
}
