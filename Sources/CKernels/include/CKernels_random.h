#ifndef CKERNELS_RANDOM_H
#define CKERNELS_RANDOM_H

#include <stdint.h>

#endif
