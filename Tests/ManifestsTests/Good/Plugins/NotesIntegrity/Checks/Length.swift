import HDK

let length = 4_000
