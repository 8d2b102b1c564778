// The one door to libsodium (1.0.18 or later). Only the Sodium module imports it.
#ifndef PLASMID_CSODIUM_SHIM_H
#define PLASMID_CSODIUM_SHIM_H
#include <sodium.h>
#endif
