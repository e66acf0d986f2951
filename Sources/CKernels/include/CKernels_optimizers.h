#ifndef CKERNELS_OPTIMIZERS_H
#define CKERNELS_OPTIMIZERS_H

#include <stdint.h>

#endif
