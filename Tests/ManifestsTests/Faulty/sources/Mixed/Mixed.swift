import HDK
