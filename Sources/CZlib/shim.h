// The one place that names zlib's header; the library is found by pkg-config.
#include <zlib.h>
