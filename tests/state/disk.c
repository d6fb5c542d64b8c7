/* Stands between a program and the C library, and makes the disk misbehave.
 *
 * The file DISK_MOOD says how: "eio" and "enospc" let every write and flush fail, "slow" lets every flush wait until the
 * file says something else. With DISK_DELAY, every flush takes so many microseconds longer.
 *
 * With DISK_FORGETS in the environment, what is written stays in the memory of the process until it is flushed, and
 * the flush then writes it piece by piece in any order, with pauses: who kills the process cuts the power. Then the file
 * may also say "clean": flushes fail as Linux lets them fail. The pages that could not be written count as clean: they
 * are read as they were written, from any descriptor, but no later flush writes them, unless they are written again. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define REAL(name, type) ((type)dlsym(RTLD_NEXT, #name))

typedef int sync_function(int);
typedef int truncate_function(int, off64_t);
typedef ssize_t write_function(int, const void *, size_t, off64_t);
typedef ssize_t read_function(int, void *, size_t, off64_t);

#define PAGE 4096

struct piece {
    ino_t file;
    off64_t at;
    size_t count;
    char *bytes;
    int is_clean;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct piece pieces[1 << 16];
static size_t many;

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

static ino_t file_of(int fd) {
    struct stat about;
    return fstat(fd, &about) ? 0 : about.st_ino;
}

static void remove_written(void) {
    size_t kept = 0;
    for (size_t number = 0; number < many; number++)
        if (pieces[number].bytes) pieces[kept++] = pieces[number];
    many = kept;
}

/* A file without a byte is a new one, though it may have the number of a former one. */
static void forget_former(int fd) {
    struct stat about;
    if (fstat(fd, &about) || about.st_size > 0) return;
    for (size_t number = 0; number < many; number++)
        if (pieces[number].file == about.st_ino) {
            free(pieces[number].bytes);
            pieces[number].bytes = NULL;
        }
    remove_written();
}

/* Pieces of one place keep their order; the others need not. */
static int overlaps_earlier(size_t number) {
    for (size_t other = 0; other < number; other++) {
        struct piece *one = &pieces[other], *two = &pieces[number];
        if (one->bytes && one->file == two->file && one->at < two->at + (off64_t)two->count &&
            two->at < one->at + (off64_t)one->count)
            return 1;
    }
    return 0;
}

static void write_all(int fd, int pauses) {
    ino_t file = file_of(fd);
    size_t left = 0;
    for (size_t number = 0; number < many; number++) left += pieces[number].file == file && !pieces[number].is_clean;
    while (left > 0) {
        size_t number = (size_t)rand() % many;
        struct piece *piece = &pieces[number];
        if (!piece->bytes || piece->file != file || piece->is_clean || overlaps_earlier(number)) continue;
        if (pauses) usleep(300);
        REAL(pwrite64, write_function *)(fd, piece->bytes, piece->count, piece->at);
        free(piece->bytes);
        piece->bytes = NULL;
        left--;
    }
    remove_written();
}

int fdatasync(int fd) {
    char word[16];
    for (mood(word, sizeof word); !strcmp(word, "slow"); mood(word, sizeof word)) usleep(5000);
    if (!strcmp(word, "clean")) {
        ino_t file = file_of(fd);
        pthread_mutex_lock(&lock);
        for (size_t number = 0; number < many; number++) pieces[number].is_clean |= pieces[number].file == file;
        pthread_mutex_unlock(&lock);
        errno = EIO;
        return -1;
    }
    if (fails()) return -1;
    if (getenv("DISK_DELAY")) usleep((useconds_t)atoi(getenv("DISK_DELAY")));
    pthread_mutex_lock(&lock);
    write_all(fd, 1);
    pthread_mutex_unlock(&lock);
    return REAL(fdatasync, sync_function *)(fd);
}

int close(int fd) {
    pthread_mutex_lock(&lock);
    write_all(fd, 0);
    pthread_mutex_unlock(&lock);
    return REAL(close, sync_function *)(fd);
}

int ftruncate64(int fd, off64_t size) {
    pthread_mutex_lock(&lock);
    forget_former(fd);
    pthread_mutex_unlock(&lock);
    return REAL(ftruncate64, truncate_function *)(fd, size);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    if (fails()) return -1;
    if (!getenv("DISK_FORGETS")) return REAL(pwrite64, write_function *)(fd, bytes, count, at);
    char *copy = malloc(count);
    if (!copy) abort();
    memcpy(copy, bytes, count);
    ino_t file = file_of(fd);
    pthread_mutex_lock(&lock);
    forget_former(fd);
    off64_t first = at / PAGE, last = (at + (off64_t)count - 1) / PAGE;
    for (size_t number = 0; number < many; number++) {
        struct piece *piece = &pieces[number];
        off64_t begins = piece->at / PAGE, ends = (piece->at + (off64_t)piece->count - 1) / PAGE;
        if (piece->file == file && begins <= last && first <= ends) piece->is_clean = 0;
    }
    if (many == sizeof pieces / sizeof *pieces) abort();
    pieces[many++] = (struct piece){file, at, count, copy, 0};
    pthread_mutex_unlock(&lock);
    return (ssize_t)count;
}

ssize_t pread64(int fd, void *bytes, size_t count, off64_t at) {
    ssize_t came = REAL(pread64, read_function *)(fd, bytes, count, at);
    ino_t file = file_of(fd);
    pthread_mutex_lock(&lock);
    for (size_t number = 0; number < many && came > 0; number++) {
        struct piece *piece = &pieces[number];
        off64_t from = piece->at > at ? piece->at : at;
        off64_t to = piece->at + (off64_t)piece->count < at + came ? piece->at + (off64_t)piece->count : at + came;
        if (piece->file == file && from < to)
            memcpy((char *)bytes + (from - at), piece->bytes + (from - piece->at), (size_t)(to - from));
    }
    pthread_mutex_unlock(&lock);
    return came;
}
