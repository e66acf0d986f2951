#ifndef CKERNELS_SOFTMAX_H
#define CKERNELS_SOFTMAX_H

#include <stdint.h>

#endif
