#include "lanes.h"
#include "CKernels.h"
