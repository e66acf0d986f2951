#define _GNU_SOURCE
#include "CHost.h"

#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// A thread can only look at its own stack. So each is sent a signal, whose handler notes the addresses
// for the thread that asks; that one finds the names.

#define FRAME_CAPACITY 64

static struct {
  void *frames[FRAME_CAPACITY];
  int count;
  int isDone;
} captured;

static int stack_signal(void) { return SIGRTMIN + 7; }

static void capture(int number) {
  (void)number;
  captured.count = backtrace(captured.frames, FRAME_CAPACITY);
  __atomic_store_n(&captured.isDone, 1, __ATOMIC_RELEASE);
}

void CHost_prepareStacks(void) {
  // The first call loads the library that unwinds, which a handler must not do.
  void *frame[1];
  backtrace(frame, 1);
  struct sigaction action = {.sa_handler = capture, .sa_flags = SA_RESTART};
  sigfillset(&action.sa_mask);
  sigaction(stack_signal(), &action, NULL);
}

/// The functions of this program: the dynamic linker knows only those that it exports.
typedef struct Symbols {
  const char *file;
  size_t length;
  const Elf64_Sym *symbols;
  size_t count;
  const char *names;
  size_t nameBytes;
} Symbols;

static Symbols read_symbols(void) {
  Symbols found = {0};
  int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (file < 0) return found;
  if (fstat(file, &status) == 0 && (size_t)status.st_size > sizeof(Elf64_Ehdr)) {
    found.length = (size_t)status.st_size;
    void *mapped = mmap(NULL, found.length, PROT_READ, MAP_PRIVATE, file, 0);
    if (mapped != MAP_FAILED) found.file = mapped;
  }
  close(file);
  if (!found.file) return found;
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)found.file;
  if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64 ||
      header->e_shoff > found.length ||
      (found.length - header->e_shoff) / sizeof(Elf64_Shdr) < header->e_shnum)
    return found;
  const Elf64_Shdr *sections = (const Elf64_Shdr *)(found.file + header->e_shoff);
  for (int i = 0; i < header->e_shnum; i++) {
    const Elf64_Shdr *table = &sections[i];
    if (table->sh_type != SHT_SYMTAB || table->sh_link >= header->e_shnum) continue;
    const Elf64_Shdr *names = &sections[table->sh_link];
    if (table->sh_offset > found.length || table->sh_size > found.length - table->sh_offset ||
        names->sh_offset > found.length || names->sh_size > found.length - names->sh_offset)
      continue;
    found.symbols = (const Elf64_Sym *)(found.file + table->sh_offset);
    found.count = table->sh_size / sizeof(Elf64_Sym);
    found.names = found.file + names->sh_offset;
    found.nameBytes = names->sh_size;
  }
  return found;
}

/// The name of the function that an address of this program, counted from its start, lies in.
static const char *name_at(const Symbols *symbols, uint64_t address) {
  for (size_t i = 0; i < symbols->count; i++) {
    const Elf64_Sym *symbol = &symbols->symbols[i];
    if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || address < symbol->st_value ||
        address - symbol->st_value >= symbol->st_size || symbol->st_name >= symbols->nameBytes)
      continue;
    return symbols->names + symbol->st_name;
  }
  return NULL;
}

typedef char *(*Demangle)(const char *, size_t, char *, size_t *, uint32_t);

static void write_frame(
    int descriptor, int number, void *address, const Symbols *symbols, Demangle demangle) {
  Dl_info info = {0};
  char line[400];
  const char *module = "?", *name = NULL;
  uint64_t offset = (uint64_t)(uintptr_t)address;
  // An address of a caller is that after the call, which may be another function's.
  const char *inside = (const char *)address - (number > 0);
  if (dladdr(inside, &info) != 0 && info.dli_fname) {
    const char *slash = strrchr(info.dli_fname, '/');
    module = slash ? slash + 1 : info.dli_fname;
    offset = (uint64_t)((const char *)address - (const char *)info.dli_fbase);
    name = info.dli_sname;
    Dl_info own = {0};
    if (dladdr((const void *)&read_symbols, &own) != 0 && own.dli_fbase == info.dli_fbase) {
      const char *better = name_at(symbols, offset - (number > 0));
      if (better) name = better;
    }
  }
  char *readable = name && demangle ? demangle(name, strlen(name), NULL, NULL, 0) : NULL;
  const char *shown = readable ? readable : name;
  int count = snprintf(
      line, sizeof line, "    %2d %s+0x%llx %.300s\n", number, module, (unsigned long long)offset,
      shown ? shown : "");
  free(readable);
  if (count > 0) (void)!write(descriptor, line, (size_t)count);
}

static void write_stack(int descriptor, int thread, const Symbols *symbols, Demangle demangle) {
  char name[32] = "", path[80], line[120];
  snprintf(path, sizeof path, "/proc/self/task/%d/comm", thread);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    ssize_t count = read(file, name, sizeof name - 1);
    close(file);
    name[count > 0 ? count : 0] = 0;
    name[strcspn(name, "\n")] = 0;
  }
  __atomic_store_n(&captured.isDone, 0, __ATOMIC_RELEASE);
  int isSent = syscall(SYS_tgkill, getpid(), thread, stack_signal()) == 0;
  for (int i = 0; isSent && i < 200 && !__atomic_load_n(&captured.isDone, __ATOMIC_ACQUIRE); i++) {
    struct timespec pause = {0, 1000000};
    nanosleep(&pause, NULL);
  }
  int isDone = __atomic_load_n(&captured.isDone, __ATOMIC_ACQUIRE);
  int count = snprintf(
      line, sizeof line, "  thread %d %s%s\n", thread, name, isDone ? "" : " takes no signals");
  if (count > 0) (void)!write(descriptor, line, (size_t)count);
  if (!isDone) return;
  // The first two are the handler and what called it.
  for (int i = 2; i < captured.count; i++) {
    write_frame(descriptor, i - 2, captured.frames[i], symbols, demangle);
  }
}

void CHost_writeStacks(int descriptor) {
  Symbols symbols = read_symbols();
  Demangle demangle = (Demangle)dlsym(RTLD_DEFAULT, "swift_demangle");
  DIR *tasks = opendir("/proc/self/task");
  int self = (int)syscall(SYS_gettid);
  for (struct dirent *each = NULL; tasks && (each = readdir(tasks));) {
    int thread = atoi(each->d_name);
    if (thread > 0 && thread != self) write_stack(descriptor, thread, &symbols, demangle);
  }
  if (tasks) closedir(tasks);
  if (symbols.file) munmap((void *)symbols.file, symbols.length);
}
