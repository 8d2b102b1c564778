// A zome imports `HDK` and nothing else: the nouns of its data and the C types of the one function that it exports come
// with it.
@_exported public import CZome
@_exported public import Integrity
