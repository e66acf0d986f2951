#ifndef CKERNELS_REDUCTION_H
#define CKERNELS_REDUCTION_H

#include <stdint.h>

#endif
