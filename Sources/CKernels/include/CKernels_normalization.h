#ifndef CKERNELS_NORMALIZATION_H
#define CKERNELS_NORMALIZATION_H

#include <stdint.h>

#endif
