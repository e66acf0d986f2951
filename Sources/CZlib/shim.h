// zlib, found by pkg-config. Nothing is added: gzopen, gzread and gzclose read a file whether or not
// it is compressed.
#include <zlib.h>
