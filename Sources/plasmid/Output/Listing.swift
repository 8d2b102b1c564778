import Integrity

/// An array of maps as a table: which keys to show under which headings.
struct Listing {
    struct Column {
        let heading: String
        let key: String
        var alignment = Table.Alignment.left
    }

    let columns: [Column]
    /// Said in the place of an empty table.
    let empty: String

    /// A listing whose columns are written `HEADING:key`, with `>` before the heading of numbers.
    init(_ columns: String..., empty: String) {
        self.columns = columns.map { text in
            let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
            let right = parts[0].hasPrefix(">")
            return Column(
                heading: right ? String(parts[0].dropFirst()) : parts[0], key: parts[parts.count - 1],
                alignment: right ? .right : .left)
        }
        self.empty = empty
    }

    /// The table, without the columns that no row has.
    func text(_ value: MessagePackValue, full: Bool) -> String {
        guard case .array(let rows) = value, !rows.isEmpty else { return empty }
        let present = columns.filter { column in rows.contains { $0[column.key].map { $0 != .null } ?? false } }
        let cells = rows.map { row in
            present.map { column in
                let cell = Listing.cell(row[column.key] ?? .null, key: column.key, full: full)
                return full || column.key == "fault" ? cell : Listing.cut(cell)
            }
        }
        return Table(headings: present.map(\.heading), rows: cells, alignments: present.map(\.alignment)).text
    }

    /// Most characters of a cell that is not shown in full.
    static let widest = 60

    private static func cut(_ cell: String) -> String {
        cell.count > widest ? cell.prefix(widest - 1) + "…" : cell
    }

    /// One value as a cell: short hashes, times as UTC, lists with commas, maps as JSON.
    static func cell(_ value: MessagePackValue, key: String, full: Bool) -> String {
        switch value {
        case .null: return "-"
        case .bool(let flag): return flag ? "yes" : "no"
        case .int(let number): return isTime(key) ? Words.time(microseconds: number) : String(number)
        case .uint(let number):
            return isTime(key) ? Words.time(microseconds: Int64(clamping: number)) : String(number)
        case .string(let text):
            if Words.isHash(text) { return full ? text : Words.short(hash: text) }
            return Words.harmless(text)
        case .array(let items):
            return items.isEmpty ? "-" : items.map { cell($0, key: key, full: full) }.joined(separator: ", ")
        default:
            return (try? JSONLines.text(value, indented: false)).map { Words.harmless($0) } ?? "?"
        }
    }

    /// Keys whose numbers are microseconds since 1970.
    private static func isTime(_ key: String) -> Bool {
        key == "timestamp" || key == "time" || key.hasSuffix("_at")
    }
}

extension MessagePackValue {
    /// The text, where this is one.
    var text: String? {
        if case .string(let text) = self { return text }
        return nil
    }

    /// The whole number, where this is one that fits.
    var number: Int64? {
        switch self {
        case .int(let number): number
        case .uint(let number): Int64(exactly: number)
        default: nil
        }
    }

    /// The items, where this is a list; else none.
    var items: [MessagePackValue] {
        if case .array(let items) = self { return items }
        return []
    }

    /// A map of the pairs whose value is not null, in their order.
    static func object(_ pairs: KeyValuePairs<String, MessagePackValue>) -> MessagePackValue {
        .map(pairs.filter { $0.value != .null }.map { Pair(key: .string($0.key), value: $0.value) })
    }

    /// A text, or null for none.
    static func optional(_ text: String?) -> MessagePackValue { text.map { .string($0) } ?? .null }
}
