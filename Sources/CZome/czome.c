// The header is all there is; this file gives the package manager something to compile.
#include "zome.h"
