/// Rows under headings, in columns as wide as their widest cell.
struct Table {
    /// Which side of its column a cell leans on.
    enum Alignment { case left, right }

    let headings: [String]
    let rows: [[String]]
    /// One for each column; columns beyond its end lean left.
    var alignments: [Alignment] = []

    /// The table as text, without a newline at the end and without spaces at line ends.
    var text: String {
        let widths = headings.indices.map { column in
            ([headings] + rows).map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return ([headings] + rows).map { line($0, widths: widths) }.joined(separator: "\n")
    }

    private func line(_ cells: [String], widths: [Int]) -> String {
        let padded = cells.enumerated().map { column, cell -> String in
            let space = String(repeating: " ", count: max(0, widths[column] - cell.count))
            let right = column < alignments.count && alignments[column] == .right
            return right ? space + cell : cell + space
        }
        let text = padded.joined(separator: "  ")
        return String(text.reversed().drop { $0 == " " }.reversed())
    }
}
