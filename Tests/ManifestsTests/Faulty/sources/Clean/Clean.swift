import HDK

/// Says "import Foundation" and does not do it.
let text = "import Foundation"
