// A shared library like any other: it exports something, but not `plasmid_zome_open`.
int plasmid_not_a_module(void);

int plasmid_not_a_module(void) { return 1; }
