/* Stands between a program and the C library, and makes the disk misbehave as a file says: "eio" and "enospc" let
 * every write and flush fail, "slow" lets every flush wait until the file says something else. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static void mood(char *word, size_t size) {
    const char *path = getenv("DISK_MOOD");
    FILE *file = path ? fopen(path, "r") : NULL;
    word[0] = 0;
    if (file) {
        if (!fgets(word, (int)size, file)) word[0] = 0;
        fclose(file);
    }
}

static int fails(void) {
    char word[16];
    mood(word, sizeof word);
    if (!strcmp(word, "eio")) errno = EIO;
    else if (!strcmp(word, "enospc")) errno = ENOSPC;
    else return 0;
    return 1;
}

int fdatasync(int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    char word[16];
    for (mood(word, sizeof word); !strcmp(word, "slow"); mood(word, sizeof word)) usleep(5000);
    return fails() ? -1 : real(fd);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    ssize_t (*real)(int, const void *, size_t, off64_t) =
        (ssize_t (*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
    return fails() ? -1 : real(fd, bytes, count, at);
}
