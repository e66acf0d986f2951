#include <pthread.h>
#include <stdlib.h>

#include "matrix_product.h"

typedef struct Scratch {
  void *memory;
  size_t bytes;
} Scratch;

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;
static _Thread_local Scratch thread_scratch;

static void make_scratch_key(void) { pthread_key_create(&scratch_key, free); }

void *product_scratch(size_t bytes) {
  if (bytes <= thread_scratch.bytes) return thread_scratch.memory;
  void *memory = NULL;
  if (posix_memalign(&memory, 4096, bytes) != 0) abort();
  free(thread_scratch.memory);
  pthread_once(&scratch_once, make_scratch_key);
  pthread_setspecific(scratch_key, memory);
  thread_scratch = (Scratch){memory, bytes};
  return memory;
}
