/// A queue over an array with a moving start: amortised constant time at both ends, order kept.
struct FIFO<Element> {
    private var storage: [Element] = []
    private var start = 0

    var count: Int { storage.count - start }
    var isEmpty: Bool { count == 0 }
    var first: Element? { isEmpty ? nil : storage[start] }
    var last: Element? { isEmpty ? nil : storage[storage.count - 1] }
    var elements: ArraySlice<Element> { storage[start...] }

    subscript(index: Int) -> Element {
        get { storage[start + index] }
        set { storage[start + index] = newValue }
    }

    mutating func append(_ element: Element) { storage.append(element) }

    /// Puts `element` before all others.
    mutating func prepend(_ element: Element) {
        if start > 0 {
            start -= 1
            storage[start] = element
        } else {
            storage.insert(element, at: 0)
        }
    }

    mutating func removeFirst() {
        start += 1
        // Moving the rest down costs its length, so it waits until as much again has been taken out.
        if start == storage.count || (start > 64 && start * 2 > storage.count) {
            storage.removeFirst(start)
            start = 0
        }
    }

    /// Removes and returns everything from `index` on.
    mutating func cut(from index: Int) -> [Element] {
        let rest = Array(storage[(start + index)...])
        storage.removeSubrange((start + index)...)
        return rest
    }
}

extension FIFO: Sendable where Element: Sendable {}
