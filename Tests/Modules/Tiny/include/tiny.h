// The module exports only what zome.h declares; this folder makes the target a C library.
