// The one place that names LMDB's header; the library is found by pkg-config.
#include <lmdb.h>
