#define _GNU_SOURCE
#include "CHost.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

// A handler may do next to nothing, so it counts the signal and wakes a thread. Not Dispatch: it catches a signal for
// its first source only, and never gives it back.

typedef struct Former {
  struct sigaction action;
  CHost_CaughtSignals *catcher;
} Former;

struct CHost_CaughtSignals {
  int32_t numbers[NSIG];
  int32_t count;
  /// What was done at each before, and who was told.
  Former former[NSIG];
  /// How many of each have come and were not handed out.
  uint32_t pending[NSIG];
  uint32_t isReleased;
  sem_t news;
};

/// Who is told of each signal.
static CHost_CaughtSignals *catchers[NSIG];
/// How many handlers run at the moment.
static uint32_t running;

static void note(int number) {
  int error = errno;
  __atomic_fetch_add(&running, 1, __ATOMIC_SEQ_CST);
  CHost_CaughtSignals *catcher = __atomic_load_n(&catchers[number], __ATOMIC_SEQ_CST);
  if (catcher) {
    __atomic_fetch_add(&catcher->pending[number], 1, __ATOMIC_SEQ_CST);
    sem_post(&catcher->news);
  }
  __atomic_fetch_sub(&running, 1, __ATOMIC_SEQ_CST);
  errno = error;
}

CHost_CaughtSignals *CHost_catchSignals(const int32_t *numbers, int32_t count) {
  CHost_CaughtSignals *caught = calloc(1, sizeof *caught);
  if (!caught || sem_init(&caught->news, 0, 0) != 0) {
    free(caught);
    return NULL;
  }
  struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  for (; caught->count < count; caught->count++) {
    int number = numbers[caught->count];
    Former *former = &caught->former[caught->count];
    caught->numbers[caught->count] = number;
    former->catcher = __atomic_exchange_n(&catchers[number], caught, __ATOMIC_SEQ_CST);
    sigaction(number, &action, &former->action);
  }
  return caught;
}

int32_t CHost_awaitSignal(CHost_CaughtSignals *caught) {
  // A program that was started by a thread which blocks signals, as those of Dispatch do, inherits that.
  sigset_t awaited;
  sigemptyset(&awaited);
  for (int32_t place = 0; place < caught->count; place++) sigaddset(&awaited, caught->numbers[place]);
  pthread_sigmask(SIG_UNBLOCK, &awaited, NULL);
  for (;;) {
    while (sem_wait(&caught->news) != 0) {}
    if (__atomic_load_n(&caught->isReleased, __ATOMIC_SEQ_CST)) {
      sem_destroy(&caught->news);
      free(caught);
      return 0;
    }
    for (int32_t place = 0; place < caught->count; place++) {
      int32_t number = caught->numbers[place];
      if (__atomic_load_n(&caught->pending[number], __ATOMIC_SEQ_CST) == 0) continue;
      __atomic_fetch_sub(&caught->pending[number], 1, __ATOMIC_SEQ_CST);
      return number;
    }
  }
}

void CHost_releaseSignals(CHost_CaughtSignals *caught) {
  for (int32_t place = caught->count - 1; place >= 0; place--) {
    int number = caught->numbers[place];
    __atomic_store_n(&catchers[number], caught->former[place].catcher, __ATOMIC_SEQ_CST);
    sigaction(number, &caught->former[place].action, NULL);
  }
  // One that has found this catcher may still be about to tell it.
  while (__atomic_load_n(&running, __ATOMIC_SEQ_CST) != 0) sched_yield();
  __atomic_store_n(&caught->isReleased, 1, __ATOMIC_SEQ_CST);
  sem_post(&caught->news);
}
