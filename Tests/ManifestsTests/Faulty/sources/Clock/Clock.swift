import HDK
import Foundation

/* import Commented /* nested */ import Out */
let one = """
    import InAText \("import Inside")
    """
let two = #"import "Raw" \(import)"#; import struct Glibc.timespec
@preconcurrency public import Dispatch
#if canImport(Darwin)
    internal import Darwin
#endif
let three = `import` + x.import
import // a comment
    NIOCore
