/* Preloaded: counts what a process asks the allocator of glibc for that is large, as a picture is. */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

/* Python, NumPy and the package need less than this for anything but a picture. */
#define LARGE 16384

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static atomic_ulong allocations;

static void note(size_t size) {
    if (size >= LARGE) atomic_fetch_add(&allocations, 1);
}

unsigned long large_allocations(void) {
    return atomic_load(&allocations);
}

void *malloc(size_t size) {
    note(size);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    note(size == 0 || count < LARGE / size ? 0 : LARGE);
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    note(size);
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
    note(size);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    *memory = memalign(alignment, size);
    return *memory == NULL ? ENOMEM : 0;
}
